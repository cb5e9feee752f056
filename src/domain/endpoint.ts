/** A file of certificates or a key, with its PEM text. */
export interface PemFile {
  readonly file: string
  readonly text: string
}

/** For TLS; what is null is left to the system, or not given. */
export interface Certificates {
  /** Authorities that the server's certificate is checked against, in place of the system's. */
  readonly roots: PemFile | null
  /** The client's own, for a server that asks for one. */
  readonly identity: { readonly privateKey: PemFile; readonly chain: PemFile } | null
}

/** A gRPC server and how to speak to it. */
export interface GrpcAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Only with TLS. */
  readonly certificates?: Certificates
  /** Sent with every call. The values may be secret: they stand in no message, log or file. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** As node:tls takes them. */
export function tlsOptions({ certificates }: Pick<GrpcAddress, 'certificates'>): {
  readonly ca?: string
  readonly key?: string
  readonly cert?: string
} {
  const { roots = null, identity = null } = certificates ?? {}
  return {
    ...(roots === null ? {} : { ca: roots.text }),
    ...(identity === null ? {} : { key: identity.privateKey.text, cert: identity.chain.text }),
  }
}
