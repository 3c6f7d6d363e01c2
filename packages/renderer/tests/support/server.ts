import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web server on loopback for as long as it is needed. */
export class Server implements AsyncDisposable {
  readonly #server;

  private constructor(answer: RequestListener) {
    this.#server = createServer(answer);
  }

  static async start(answer: RequestListener): Promise<Server> {
    const server = new Server(answer);
    await new Promise<void>((resolve) => void server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** Serves these texts by path, each with the type of its extension; 404 for all else. */
  static serve(files: Record<string, string>): Promise<Server> {
    return Server.start(({ url = '/' }, response) => {
      const text = files[url.slice(1)];
      const extension = url.slice(url.lastIndexOf('.') + 1);
      const type = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' }[extension];
      response.writeHead(text === undefined ? 404 : 200, { 'content-type': type ?? 'text/plain' });
      response.end(text ?? 'not here');
    });
  }

  /** Serves a page that shows what it is told in `p#answer`: something else each time that it asks. */
  static answeringOtherwise(): Promise<Server> {
    let asked = 0;
    return Server.start(({ url }, response) => {
      response.setHeader('content-type', url === '/answer' ? 'text/plain' : 'text/html');
      if (url === '/answer') response.end(`answer ${++asked}`);
      else
        response.end(
          `<body><p>the same</p><p id="answer">?</p><script>
             fetch('/answer').then((r) => r.text()).then((t) => { answer.textContent = t; });
           </script>`,
        );
    });
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
