// Answers each request with its first argument; told to stop, it ends the requests that it has.
const http = require('http');

const [answer, port] = process.argv.slice(2);
const server = http.createServer((request, response) => response.end(answer));
server.listen(port, '0.0.0.0', async () => {
  const own = await fetch(`http://127.0.0.1:${port}/`);
  console.log(`answers ${await own.text()}`);
});
process.on('SIGTERM', () => server.close());
