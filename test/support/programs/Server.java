import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

/** Answers each request with its first argument; told to stop, it ends the requests that it has. */
public class Server {
  public static void main(String[] args) throws Exception {
    var server = HttpServer.create(new InetSocketAddress(Integer.parseInt(args[1])), 100);
    server.createContext("/", exchange -> {
      byte[] answer = args[0].getBytes();
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
      exchange.close();
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(1)));
    server.start();
  }
}
