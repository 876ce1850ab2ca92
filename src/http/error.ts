/** Thrown by a handler to answer with this status; the message goes to the client. */
export class HttpError extends Error {
  override readonly name: string = 'HttpError';
  readonly reason: string = 'HttpError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export class BodyTooLargeError extends HttpError {
  override readonly name = 'BodyTooLargeError';
  override readonly reason = 'BodyTooLarge';

  constructor(limit: number) {
    super(413, `The request body is larger than ${limit} bytes; send a smaller one.`);
  }
}

/** The server could not listen. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly reason = 'CannotListen';

  constructor(address: { readonly host: string; readonly port: number }, cause: Error) {
    const code: unknown = Reflect.get(cause, 'code');
    const where = `${address.host}:${address.port}`;
    super(
      code === 'EADDRINUSE'
        ? `Cannot listen on ${where}, because another process already does: stop it or choose another port.`
        : code === 'EACCES'
          ? `Cannot listen on ${where}, because this user may not: choose a port above 1023.`
          : `Cannot listen on ${where}: ${cause.message}. Choose another address.`,
      { cause },
    );
  }
}
