/**
 * The process that decodes one photo: it is started with an empty environment, reads the photo from standard input and
 * writes one answer to standard output, as `frame.ts` describes.
 */
import { buffer } from 'node:stream/consumers';
import { readyMark, writeFrame } from './frame.ts';
import { normalPicture } from './picture.ts';

process.stdout.write(readyMark);
const verdict = await normalPicture(await buffer(process.stdin));
process.stdout.write(writeFrame(verdict));
