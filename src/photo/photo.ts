/** Why a file cannot be used as a product photo. Each is a text of its own to the person. */
export const photoRefusals = ['not-a-photo', 'too-big', 'too-small', 'broken'] as const;
export type PhotoRefusal = (typeof photoRefusals)[number];

/** A photo every model accepts: JPEG, upright, no metadata, longest side at most 2048, at most 2 MB, ratio 0.4 to 2.5. */
export type NormalPhoto = {
  readonly bytes: Uint8Array;
  readonly mime: 'image/jpeg';
  readonly width: number;
  readonly height: number;
  /** Lower-case hex of the bytes. */
  readonly sha256: string;
};

export type PhotoVerdict =
  | { readonly kind: 'ok'; readonly photo: NormalPhoto }
  | { readonly kind: 'refused'; readonly reason: PhotoRefusal };

/** Checks and normalises a photo somebody sent. */
export type PhotoNormaliser = (bytes: Uint8Array, signal?: AbortSignal) => Promise<PhotoVerdict>;

/** The limits a sent photo is held to. */
export const photoLimits = {
  /** Of the file as it was sent. */
  maxBytes: 10 * 1024 * 1024,
  maxPixels: 40_000_000,
  /** Of the shorter side, before padding. */
  minSide: 300,
  minRatio: 0.4,
  maxRatio: 2.5,
  maxOutputSide: 2048,
  maxOutputBytes: 2 * 1024 * 1024,
} as const;

/** Our own machinery failed; it says nothing about the photo, and the same photo may be tried again. */
export class PhotoError extends Error {
  readonly reason: 'child-failed' | 'aborted';

  constructor(reason: PhotoError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'PhotoError';
    this.reason = reason;
  }
}
