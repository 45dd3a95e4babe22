/*
 * Preloaded before a program, this makes its calls on files slow, or makes one of them fail.
 *
 * SLOW_FLUSH_MICROSECONDS  each flush takes so much longer, as on a disk that has to be waited for. The real flush is done as
 *                          well, so that on a disk nothing becomes faster than it is.
 * FAULT_STATE              a file of five numbers of 64 bits, shared by all processes: which call (0: none), the how manieth,
 *                          the errno (0: it does half of what was asked), how many there were, how often one has failed.
 * FLUSHED                  a directory in which each file of FAULT_UNDER that is flushed is kept as it then was, under the
 *                          number of its inode: what a disk has of it when the power goes.
 * HELD_FILE, HELD_LOG      files of that name: how many nanoseconds each exclusive lock was held under which they were flushed is
 *                          added to the log, a line for each.
 * FAULT_UNDER              only files below this directory count.
 * FAULT_PROGRAM            only in processes of this name.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call { NONE, OPEN, READ, WRITE, FLUSH, LOCK, RENAME };

struct state {
    int64_t call, at, error, count, struck;
};

static struct state *state;
static const char *under;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_STATE");
    const char *program = getenv("FAULT_PROGRAM");
    under = getenv("FAULT_UNDER");
    if (!path || (program && strcmp(program, program_invocation_short_name) != 0)) return;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *mapped = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (mapped != MAP_FAILED) state = mapped;
}

static int concerns(const char *path) {
    return !under || strncmp(path, under, strlen(under)) == 0;
}

static int concerns_descriptor(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return path[0] == '/' && concerns(path);
}

/* Returns 0 if the call is to be done, 1 if it is to fail with errno set, 2 if half of it is to be done. */
static int strikes(enum call call, const char *path, int fd) {
    if (!state || state->call != call) return 0;
    int kept = errno;
    int counts = path ? concerns(path) : concerns_descriptor(fd);
    errno = kept;
    if (!counts || __atomic_add_fetch(&state->count, 1, __ATOMIC_SEQ_CST) != state->at) return 0;
    __atomic_add_fetch(&state->struck, 1, __ATOMIC_SEQ_CST);
    if (state->error == 0) return 2;
    errno = (int)state->error;
    return 1;
}

/* The exclusive lock that this process has of a file of HELD_FILE. */
static struct {
    int fd, flushes;
    struct timespec since;
} held = {-1, 0, {0, 0}};

static int is_held_file(int fd) {
    const char *name = getenv("HELD_FILE");
    char link[64], path[PATH_MAX];
    if (!name) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    const char *last = strrchr(path, '/');
    return last && strcmp(last + 1, name) == 0;
}

static void tell_held(void) {
    const char *log = getenv("HELD_LOG");
    struct timespec now;
    char line[32];
    if (!log || held.flushes == 0) return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long nanoseconds = (now.tv_sec - held.since.tv_sec) * 1000000000LL + now.tv_nsec - held.since.tv_nsec;
    int length = snprintf(line, sizeof line, "%lld\n", nanoseconds);
    int fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return;
    syscall(SYS_write, fd, line, length);
    syscall(SYS_close, fd);
}

static void lock_changed(int fd, int type) {
    int kept = errno;
    if (type == F_WRLCK && is_held_file(fd)) {
        held.fd = fd;
        held.flushes = 0;
        clock_gettime(CLOCK_MONOTONIC, &held.since);
    } else if (type == F_UNLCK && fd == held.fd) {
        tell_held();
        held.fd = -1;
    }
    errno = kept;
}

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define OPEN_CALL(name) \
    int name(const char *path, int flags, ...) { \
        MODE(flags) \
        REAL(#name, int, const char *, int, ...); \
        if (strikes(OPEN, path, -1) == 1) return -1; \
        return real(path, flags, mode); \
    }
OPEN_CALL(open)
OPEN_CALL(open64)

#define OPENAT_CALL(name) \
    int name(int directory, const char *path, int flags, ...) { \
        MODE(flags) \
        REAL(#name, int, int, const char *, int, ...); \
        if (strikes(OPEN, path, -1) == 1) return -1; \
        return real(directory, path, flags, mode); \
    }
OPENAT_CALL(openat)
OPENAT_CALL(openat64)

#define OPEN_CHECKED(name) \
    int name(const char *path, int flags) { \
        REAL(#name, int, const char *, int); \
        if (strikes(OPEN, path, -1) == 1) return -1; \
        return real(path, flags); \
    }
OPEN_CHECKED(__open_2)
OPEN_CHECKED(__open64_2)

#define TRANSFER(kind, fd, length) \
    switch (strikes(kind, NULL, fd)) { \
        case 1: return -1; \
        case 2: length = (length + 1) / 2; \
    }

ssize_t read(int fd, void *buffer, size_t length) {
    REAL("read", ssize_t, int, void *, size_t);
    TRANSFER(READ, fd, length)
    return real(fd, buffer, length);
}

ssize_t __read_chk(int fd, void *buffer, size_t length, size_t room) {
    REAL("__read_chk", ssize_t, int, void *, size_t, size_t);
    TRANSFER(READ, fd, length)
    return real(fd, buffer, length, room);
}

#define PREAD_CALL(name, offset_type) \
    ssize_t name(int fd, void *buffer, size_t length, offset_type offset) { \
        REAL(#name, ssize_t, int, void *, size_t, offset_type); \
        TRANSFER(READ, fd, length) \
        return real(fd, buffer, length, offset); \
    }
PREAD_CALL(pread, off_t)
PREAD_CALL(pread64, off64_t)

ssize_t write(int fd, const void *buffer, size_t length) {
    REAL("write", ssize_t, int, const void *, size_t);
    TRANSFER(WRITE, fd, length)
    return real(fd, buffer, length);
}

#define PWRITE_CALL(name, offset_type) \
    ssize_t name(int fd, const void *buffer, size_t length, offset_type offset) { \
        REAL(#name, ssize_t, int, const void *, size_t, offset_type); \
        TRANSFER(WRITE, fd, length) \
        return real(fd, buffer, length, offset); \
    }
PWRITE_CALL(pwrite, off_t)
PWRITE_CALL(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL("writev", ssize_t, int, const struct iovec *, int);
    switch (strikes(WRITE, NULL, fd)) {
        case 1: return -1;
        case 2: count = (count + 1) / 2;
    }
    return real(fd, parts, count);
}

/* Locks alone; everything else of it passes. */
#define FCNTL_CALL(name) \
    int name(int fd, int command, ...) { \
        va_list rest; \
        va_start(rest, command); \
        void *argument = va_arg(rest, void *); \
        va_end(rest); \
        REAL(#name, int, int, int, ...); \
        int locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW; \
        if (!locks) return real(fd, command, argument); \
        int type = ((struct flock *)argument)->l_type; \
        if (type != F_UNLCK && strikes(LOCK, NULL, fd) == 1) return -1; \
        int result = real(fd, command, argument); \
        if (result == 0) lock_changed(fd, type); \
        return result; \
    }
FCNTL_CALL(fcntl)
FCNTL_CALL(fcntl64)

static const char *flushed(void) {
    const char *program = getenv("FAULT_PROGRAM");
    return program && strcmp(program, program_invocation_short_name) != 0 ? NULL : getenv("FLUSHED");
}

static void keep_flushed(int fd) {
    const char *directory = flushed();
    struct stat file;
    if (!directory || !concerns_descriptor(fd) || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return;
    int kept = errno;
    char self[64], path[PATH_MAX], unfinished[PATH_MAX + 16];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    snprintf(path, sizeof path, "%s/%lu", directory, (unsigned long)file.st_ino);
    snprintf(unfinished, sizeof unfinished, "%s.%d", path, (int)getpid());
    /* Closing a second descriptor would let go of all locks that the process has of the file. */
    int opens = (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
    int from = opens ? syscall(SYS_openat, AT_FDCWD, self, O_RDONLY | O_CLOEXEC) : fd;
    int to = syscall(SYS_openat, AT_FDCWD, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    char octets[65536];
    long length;
    for (off_t at = 0; (length = syscall(SYS_pread64, from, octets, sizeof octets, at)) > 0; at += length)
        syscall(SYS_write, to, octets, length);
    if (opens) syscall(SYS_close, from);
    syscall(SYS_close, to);
    syscall(SYS_rename, unfinished, path);
    errno = kept;
}

/* Its inode may be another file's the next moment. */
static void forget_flushed(const char *gone) {
    const char *directory = flushed();
    struct stat file;
    char path[PATH_MAX];
    int kept = errno;
    if (directory && lstat(gone, &file) == 0 && file.st_nlink == 1) {
        snprintf(path, sizeof path, "%s/%lu", directory, (unsigned long)file.st_ino);
        syscall(SYS_unlink, path);
    }
    errno = kept;
}

int rename(const char *from, const char *to) {
    REAL("rename", int, const char *, const char *);
    if (strikes(RENAME, to, -1) == 1) return -1;
    forget_flushed(to);
    return real(from, to);
}

int unlink(const char *path) {
    REAL("unlink", int, const char *);
    forget_flushed(path);
    return real(path);
}

static void wait_for_disk(void) {
    const char *text = getenv("SLOW_FLUSH_MICROSECONDS");
    long microseconds = text ? atol(text) : 0;
    if (microseconds <= 0) return;
    int kept = errno;
    struct timespec left = {microseconds / 1000000, (microseconds % 1000000) * 1000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR) continue;
    errno = kept;
}

#define FLUSH_CALL(name) \
    int name(int fd) { \
        REAL(#name, int, int); \
        if (strikes(FLUSH, NULL, fd) == 1) return -1; \
        if (fd == held.fd) held.flushes += 1; \
        int result = real(fd); \
        if (result == 0) keep_flushed(fd); \
        wait_for_disk(); \
        return result; \
    }
FLUSH_CALL(fsync)
FLUSH_CALL(fdatasync)

int msync(void *address, size_t length, int flags) {
    REAL("msync", int, void *, size_t, int);
    int result = real(address, length, flags);
    if (flags & MS_SYNC) wait_for_disk();
    return result;
}
