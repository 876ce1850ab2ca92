import { stringify } from 'yaml';
import { videoJobCrd } from '../../src/videojob/crd.ts';

const HEADER = '# Written by `npm run generate` from src/videojob/schema.ts. Change it there.\n';

/** The CustomResourceDefinition as `kubectl apply` and the chart take it. */
// YAML 1.1 quoting, because to older parsers an unquoted 9:16 is a number.
export const videoJobCrdFile = {
  file: 'crds/neurocards.io_videojobs.yaml',
  text: async (): Promise<string> =>
    HEADER + stringify(videoJobCrd(), { lineWidth: 120, aliasDuplicateObjects: false, version: '1.1' }),
};
