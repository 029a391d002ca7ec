#include "agent/linux/download_words.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using deployminator::messages::failure_code;

namespace {

std::string words_of(const failed_transfer& what) {
  return failure_of(what, "http://x/a", {}).message;
}

failed_transfer answered(long status) {
  failed_transfer out;
  out.code = CURLE_HTTP_RETURNED_ERROR;
  out.status = status;
  return out;
}

failed_transfer ended(CURLcode code, const std::string& words = {}) {
  failed_transfer out;
  out.code = code;
  out.words = words;
  return out;
}

} // namespace

TEST_CASE("what the server answers is said, with a hint where there is one") {
  CHECK(words_of(answered(404)) == "cannot fetch http://x/a: the server answers 404 Not Found");
  CHECK(words_of(answered(418)) == "cannot fetch http://x/a: the server answers 418");
  CHECK(failure_of(answered(404), "", {}).code == failure_code::not_found);
  CHECK(failure_of(answered(503), "", {}).code == failure_code::unreachable);
  CHECK(failure_of(answered(403), "", {}).code == failure_code::refused);
  CHECK(failure_of(answered(403), "", {}).hint
        == "check downloaduser and downloadpassword, downloadtoken, or the machine's netrc");
  CHECK(failure_of(answered(404), "", {}).hint
        == "check downloadurl, and that the build was uploaded");
  CHECK(failure_of(answered(418), "", {}).hint.empty());
  CHECK(failure_of(ended(CURLE_COULDNT_CONNECT), "", {}).hint
        == "see that it runs, and that no firewall is between");
}

TEST_CASE("a connection that broke off is said with how far it came") {
  auto what = ended(CURLE_PARTIAL_FILE, "transfer closed with 3 bytes remaining to read");
  what.bytes = 7;
  CHECK(words_of(what) == "cannot fetch http://x/a: the connection broke off after 7 bytes");
  what.total = 10;
  CHECK(words_of(what) == "cannot fetch http://x/a: the connection broke off after 7 of 10 bytes");
}

TEST_CASE("a proxy is named, and what it says is not the server's") {
  auto what = ended(CURLE_RECV_ERROR, "Received HTTP code 403 from proxy after CONNECT");
  what.proxy = "proxy:3128 (https_proxy)";
  what.proxy_status = 403;
  CHECK(words_of(what)
        == "cannot fetch http://x/a: the proxy answers 403 Forbidden, through the proxy proxy:3128 "
           "(https_proxy)");
  CHECK(failure_of(what, "", {}).hint == "see which hosts the proxy lets through");
  CHECK_FALSE(is_worth_retrying(what));
  what.proxy_status = 407;
  CHECK(failure_of(what, "", {}).hint
        == "give the user and password before the proxy's host: http://USER:PASSWORD@HOST:PORT");
  what = ended(CURLE_COULDNT_CONNECT);
  CHECK(words_of(what) == "cannot fetch http://x/a: its host refuses the connection or is away");
}

TEST_CASE("a proxy that is busy or cannot get through is asked again") {
  // With CURLOPT_FAILONERROR that is how a refused tunnel ends, and no status of the server's.
  auto what = ended(CURLE_HTTP_RETURNED_ERROR);
  for (long status : {408, 429, 500, 502, 503, 504}) {
    what.proxy_status = status;
    CHECK(is_worth_retrying(what));
  }
  for (long status : {400, 403, 404, 407}) {
    what.proxy_status = status;
    CHECK_FALSE(is_worth_retrying(what));
  }
}

TEST_CASE("a timeout is said as what it is: no connection, or a stall") {
  auto what = ended(CURLE_OPERATION_TIMEDOUT, "Connection timed out after 10000 milliseconds");
  CHECK(words_of(what) == "cannot fetch http://x/a: no connection within 10 s");
  what.status = 200;
  what.bytes = 5;
  CHECK(words_of(what)
        == "cannot fetch http://x/a: it stalled: nothing came for 30 s, after 5 bytes");
}

TEST_CASE("what we have no words for is said in curl's") {
  CHECK(words_of(ended(CURLE_SSL_CONNECT_ERROR, "wrong version number"))
        == "cannot fetch http://x/a: wrong version number");
  CHECK(words_of(ended(CURLE_SSL_CONNECT_ERROR))
        == std::string{"cannot fetch http://x/a: "} + curl_easy_strerror(CURLE_SSL_CONNECT_ERROR));
}

TEST_CASE("only what may be otherwise the next time is tried again") {
  for (long status : {408L, 416L, 429L, 500L, 503L})
    CHECK(is_worth_retrying(answered(status)));
  for (long status : {400L, 401L, 403L, 404L, 410L})
    CHECK_FALSE(is_worth_retrying(answered(status)));
  CHECK(is_worth_retrying(ended(CURLE_COULDNT_CONNECT)));
  CHECK(is_worth_retrying(ended(CURLE_PARTIAL_FILE)));
  CHECK_FALSE(is_worth_retrying(ended(CURLE_TOO_MANY_REDIRECTS)));
  CHECK_FALSE(is_worth_retrying(ended(CURLE_PEER_FAILED_VERIFICATION)));
}
