import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** For tests alone: a certificate that signs itself, for another host, and its key. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwb9UGV3CCDRlGYRu
IuA1TlhaYce1Lzser8AN6GbCiauhRANCAAR5ipjlWZyZc0alRUg80tT1eucNJ9te
/W9KooosUdlHjAc337iTqYBM+hN4c4iMzHrI4WjRpAyTsqP8BGS1/Z+a
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnjCCAUSgAwIBAgIUCLnzH7KmIy8ZPzFW+7AOj0Pa9J8wCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMZ2VubG9jay50ZXN0MCAXDTI2MTEzMDE2MjAxOVoYDzIxMjYx
MTA2MTYyMDE5WjAXMRUwEwYDVQQDDAxnZW5sb2NrLnRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAR5ipjlWZyZc0alRUg80tT1eucNJ9te/W9KooosUdlHjAc3
37iTqYBM+hN4c4iMzHrI4WjRpAyTsqP8BGS1/Z+ao2wwajAdBgNVHQ4EFgQUav2e
e9kHA6lmrEpZLG1Lhl5nFM4wHwYDVR0jBBgwFoAUav2ee9kHA6lmrEpZLG1Lhl5n
FM4wDwYDVR0TAQH/BAUwAwEB/zAXBgNVHREEEDAOggxnZW5sb2NrLnRlc3QwCgYI
KoZIzj0EAwIDSAAwRQIhAL0KI9Lt/+JLWEGY74UB8G6B5ntK7Uk+zXErais3WHxh
AiBtUTD6X+Oj9KTmid8BOHSvaoQDUO2sJOhzCEQliI++ZQ==
-----END CERTIFICATE-----`;

/** A web server whose certificate nobody vouches for, as those of development servers. */
export async function startSelfSigned(answer: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer({ key: KEY, cert: CERTIFICATE }, answer);
  // Clients that do not trust it hang up.
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
