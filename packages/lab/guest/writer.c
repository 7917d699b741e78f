/*
 * The guest's writer: stamps both disks, so that a test can tell what moment of the machine an image holds.
 *
 *   writer DIR_A DIR_B PERIOD_MS PORT
 *
 * Each round appends one record of 24 bytes, "n bootid mem\n", to DIR_A/log, fsyncs, then does the same in DIR_B, and reports on PORT.
 * So in a two-disk snapshot of one moment the last n of A equals that of B, or is larger by one.
 *   n       counts rounds over reboots (read back from DIR_A/log)
 *   bootid  random per boot; a restored memory image keeps it
 *   mem     counts rounds in memory only
 * A log that reaches ROTATE_RECORDS becomes log.1 (the older log.1 goes), so a guest that runs for months does not fill its disks.
 *
 * No libc: bare machines have no compiler and no headers; Debian's tcc (0.3 MB) compiles this alone, into a static program.
 */
#define RECORD 24
#define ROTATE_RECORDS 100000
#define SYS_read 0
#define SYS_write 1
#define SYS_open 2
#define SYS_close 3
#define SYS_lseek 8
#define SYS_nanosleep 35
#define SYS_fsync 74
#define SYS_rename 82
#define SYS_clock_gettime 228
#define O_RDONLY 0
#define O_WRONLY 1
#define O_CREAT 0100
#define O_APPEND 02000
#define O_NONBLOCK 04000
#define SEEK_END 2
#define CLOCK_MONOTONIC 1

static long call(long number, long a, long b, long c) {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

static long now_us(void) {
  long t[2];
  call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)t, 0);
  return t[0] * 1000000 + t[1] / 1000;
}

static char *put_text(char *out, const char *text) {
  while (*text) *out++ = *text++;
  return out;
}

static char *put_number(char *out, unsigned long value, int base, int width) {
  char digits[24];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value);
  while (width-- > count) *out++ = '0';
  while (count) *out++ = digits[--count];
  return out;
}

static long to_number(const char *text) {
  long value = 0;
  while (*text >= '0' && *text <= '9') value = value * 10 + (*text++ - '0');
  return value;
}

static char *put_path(char *out, const char *dir, const char *name) {
  out = put_text(out, dir);
  out = put_text(out, name);
  *out = 0;
  return out;
}

/* Reads the last whole record of the log, or of the rotated one; returns its n, 0 if there is none. */
static long last_record(const char *path, const char *rotated) {
  char record[RECORD + 1];
  long fd = call(SYS_open, (long)path, O_RDONLY, 0), size = fd < 0 ? 0 : call(SYS_lseek, fd, 0, SEEK_END), n = 0;
  if (size < RECORD && rotated) {
    if (fd >= 0) call(SYS_close, fd, 0, 0);
    return last_record(rotated, 0);
  }
  if (size >= RECORD) {
    call(SYS_lseek, fd, (size / RECORD - 1) * RECORD, 0);
    if (call(SYS_read, fd, (long)record, RECORD) == RECORD) n = to_number(record);
  }
  if (fd >= 0) call(SYS_close, fd, 0, 0);
  return n;
}

static long open_log(const char *path) {
  return call(SYS_open, (long)path, O_WRONLY | O_APPEND | O_CREAT, 0644);
}

/* Appends and fsyncs; returns 0, or the error number. */
static long append(long *fd, const char *path, const char *rotated, const char *record, long n) {
  if (n % ROTATE_RECORDS == 0) {
    call(SYS_rename, (long)path, (long)rotated, 0);
    call(SYS_close, *fd, 0, 0);
    *fd = open_log(path);
  }
  long written = call(SYS_write, *fd, (long)record, RECORD);
  if (written != RECORD) return written < 0 ? -written : 5;
  return -call(SYS_fsync, *fd, 0, 0);
}

static void report(long port, const char *line, long length) {
  if (port >= 0) call(SYS_write, port, (long)line, length);
}

static char *put_field(char *out, const char *name, unsigned long value, const char *unit) {
  out = put_text(out, name);
  out = put_number(out, value, 10, 1);
  return put_text(out, unit);
}

void start_c(long *stack) {
  char **argv = (char **)(stack + 1);
  char path_a[200], path_b[200], rotated_a[200], rotated_b[200], line[256], *end;
  unsigned long boot = 0;
  long period_ms = to_number(argv[3]), period[2];
  period[0] = period_ms / 1000;
  period[1] = period_ms % 1000 * 1000000;
  put_path(path_a, argv[1], "/log");
  put_path(path_b, argv[2], "/log");
  put_path(rotated_a, argv[1], "/log.1");
  put_path(rotated_b, argv[2], "/log.1");

  long random = call(SYS_open, (long)"/dev/urandom", O_RDONLY, 0);
  call(SYS_read, random, (long)&boot, 3);
  call(SYS_close, random, 0, 0);
  long port = call(SYS_open, (long)argv[4], O_WRONLY | O_NONBLOCK, 0);
  long n = last_record(path_a, rotated_a), mem = 0;
  end = put_field(line, "START a=", n, " b=");
  end = put_number(end, last_record(path_b, rotated_b), 10, 1);
  *end++ = '\n';
  report(port, line, end - line);

  long a = open_log(path_a), b = open_log(path_b), previous = now_us();
  for (;;) {
    n++;
    mem++;
    end = put_number(line, n, 10, 9);
    *end++ = ' ';
    end = put_number(end, boot, 16, 6);
    *end++ = ' ';
    end = put_number(end, mem % 1000000, 10, 6);
    *end++ = '\n';
    long t0 = now_us();
    long error_a = append(&a, path_a, rotated_a, line, n);
    long t1 = now_us();
    long error_b = append(&b, path_b, rotated_b, line, n);
    long t2 = now_us();

    end = put_field(line, "T ", n, " boot=");
    end = put_number(end, boot, 16, 6);
    end = put_field(end, " mem=", mem, "");
    end = put_field(end, " a=", t1 - t0, "us");
    end = put_field(end, " b=", t2 - t1, "us");
    end = put_field(end, " gap=", t2 - previous, "us");
    if (error_a) end = put_field(end, " EA=", error_a, "");
    if (error_b) end = put_field(end, " EB=", error_b, "");
    *end++ = '\n';
    report(port, line, end - line);
    previous = t2;
    call(SYS_nanosleep, (long)period, 0, 0);
  }
}

asm(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call start_c\n");
