/* A program that keeps a record of itself: torture_program RECORDS KIND PORT, built by restart_torture.py.
 *
 *   steady    prints a numbered line every few milliseconds
 *   daemon    as steady, with a child of its own that outlives its session
 *   failing   as steady, but ends after a while with a code that tells which run it was; the first run lasts
 *
 * RECORDS/ID has a line for each start ("start RUN"), each end ("end RUN CODE LINES"), and for each start that found
 * another run, or a child of it, still there ("double RUN") or its port taken ("port RUN"). */

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of every line of the records. */
enum { line_size = 29 };

static int records;

static void note(const char *what, int run, int code, int lines) {
  char text[64];
  int size = snprintf(text, sizeof text, "%-6s %8d %3d %8d\n", what, run, code, lines);
  if (write(records, text, size) != size)
    abort();
}

static int starts_before(void) {
  char text[line_size];
  int out = 0;
  lseek(records, 0, SEEK_SET);
  while (read(records, text, sizeof text) == sizeof text)
    out += strncmp(text, "start", 5) == 0;
  return out;
}

/* Without SO_REUSEADDR, so that nobody may have the port but for a moment. */
static int takes_port(int port) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  int server = socket(AF_INET, SOCK_STREAM, 0);
  return server >= 0 && bind(server, (struct sockaddr *)&any, sizeof any) == 0 && listen(server, 5) == 0;
}

static void leave_daemon(void) {
  if (fork())
    return;
  setsid();
  if (fork())
    _exit(0);
  for (int each = 1; each < NSIG; ++each)
    signal(each, SIG_IGN);
  for (;;)
    pause();
}

static void rest(int milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, NULL);
}

static int print(int run, int from, int count, int pause) {
  char text[64];
  for (int each = 0; each < count; ++each) {
    int size = snprintf(text, sizeof text, "run %d line %d\n", run, ++from);
    if (write(1, text, size) != size)
      abort();
    rest(pause);
  }
  return from;
}

int main(int argc, char **argv) {
  char path[4096];
  if (argc != 4)
    return 99;
  umask(0);
  snprintf(path, sizeof path, "%s/%s", argv[1], getenv("DEPLOY_INSTANCE_ID"));
  records = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  strcat(path, ".lock");
  /* Children have it too. */
  int lock = open(path, O_RDWR | O_CREAT, 0666);
  if (records < 0 || lock < 0)
    return 98;
  int run = starts_before() + 1;
  note("start", run, 0, 0);
  if (flock(lock, LOCK_EX | LOCK_NB))
    note("double", run, 0, 0);
  if (!takes_port(atoi(argv[3])))
    note("port", run, 0, 0);
  if (strcmp(argv[2], "daemon") == 0)
    leave_daemon();
  srand((unsigned)(getpid() ^ time(NULL)));
  if (strcmp(argv[2], "failing") != 0)
    print(run, 0, 1 << 30, 7);
  int lines = run == 1 ? print(run, 0, 300, 10) : print(run, 0, 1 + rand() % 20, rand() % 10);
  int code = 1 + run % 90;
  note("end", run, code, lines);
  return code;
}
