import { ALL_FORMATS, BufferSource, Input } from 'mediabunny';

/** The Bot API takes no larger upload. */
export const maxVideoBytes = 50 * 1024 * 1024;
const maxVideoSeconds = 120;

export interface VideoFacts {
  seconds: number;
  width: number;
  height: number;
}

/** What the provider sent is no video that can be shown; asking for the same file again cannot help. */
export class UnplayableVideoError extends Error {
  readonly reason = 'UnplayableVideo';
  constructor(what: string, cause?: unknown) {
    super(
      `the provider's file cannot be shown: ${what}; the attempt counts as failed`,
      cause === undefined ? {} : { cause },
    );
    this.name = 'UnplayableVideoError';
  }
}

/**
 * Checks that the bytes are an MP4 with a video track a phone can play, and reads its size and length.
 * @throws UnplayableVideoError
 */
export async function inspectVideo(bytes: Uint8Array): Promise<VideoFacts> {
  if (bytes.byteLength > maxVideoBytes) throw new UnplayableVideoError('it is larger than 50 MB');
  if (bytes.byteLength < 12 || Buffer.from(bytes.subarray(4, 8)).toString('latin1') !== 'ftyp') {
    throw new UnplayableVideoError('it is not an MP4');
  }
  const input = new Input({ source: new BufferSource(bytes), formats: ALL_FORMATS });
  const facts = await readFacts(input).catch((error: unknown) => {
    throw error instanceof UnplayableVideoError ? error : new UnplayableVideoError('its tracks cannot be read', error);
  });
  if (facts.seconds <= 0 || facts.seconds > maxVideoSeconds) {
    throw new UnplayableVideoError(`its length of ${facts.seconds.toFixed(1)} s is outside 0 to ${maxVideoSeconds} s`);
  }
  return facts;
}

async function readFacts(input: Input): Promise<VideoFacts> {
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new UnplayableVideoError('it has no video track');
  const [seconds, width, height, codec] = await Promise.all([
    input.computeDuration(),
    track.getDisplayWidth(),
    track.getDisplayHeight(),
    track.getCodec(),
  ]);
  if (codec === null) throw new UnplayableVideoError('its codec is unknown');
  return { seconds, width, height };
}
