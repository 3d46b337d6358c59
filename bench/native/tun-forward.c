/*
 * Lets the running kernel forward the packets of a capture, in a network namespace of its own that ends with this
 * process (root, Linux):
 *
 *   tun-forward CAPTURE PACKETS SECONDS SETUP AFTER
 *
 * CAPTURE is a classic pcap of Ethernet frames, little-endian. SETUP is a shell command that gives addresses, routes and
 * rules; the devices in0 and out0 are there when it runs. Then the frames' IP packets are written to in0, one write() each, until
 * PACKETS have been written or SECONDS are over, and AFTER runs, in the same namespace. Prints packets and seconds.
 *
 * A write to a TUN returns when the packet has been through all hooks. Nobody reads out0: what is forwarded is thrown away
 * at its full queue, so the kernel is spared the copy.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_HEADER_BYTES = 24, RECORD_HEADER_BYTES = 16, ETHERNET_BYTES = 14 };
/* The clock is looked at once in so many packets. */
enum { PACKETS_PER_LOOK = 64 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int open_tun(const char *name) {
  int fd = open("/dev/net/tun", O_RDWR);
  if (fd < 0) die("/dev/net/tun");
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) != 0) die("TUNSETIFF");
  return fd;
}

static void shell(const char *command) {
  int status = system(command);
  if (status != 0) {
    fprintf(stderr, "status %d: %s\n", status, command);
    exit(1);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: tun-forward CAPTURE PACKETS SECONDS SETUP AFTER\n");
    return 2;
  }
  long most_packets = atol(argv[2]);
  double most_seconds = atof(argv[3]);

  int capture = open(argv[1], O_RDONLY);
  struct stat status;
  if (capture < 0 || fstat(capture, &status) != 0) die(argv[1]);
  const uint8_t *file = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, capture, 0);
  if (file == MAP_FAILED) die(argv[1]);
  const uint8_t *end = file + status.st_size;
  uint32_t magic = 0;
  if (status.st_size >= FILE_HEADER_BYTES) memcpy(&magic, file, 4);
  if (magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) {
    fprintf(stderr, "%s: not a classic pcap in this machine's byte order\n", argv[1]);
    return 1;
  }

  if (unshare(CLONE_NEWNET) != 0) die("unshare");
  int in = open_tun("in0");
  open_tun("out0");
  shell(argv[4]);

  long packets = 0;
  double begin = now();
  for (const uint8_t *record = file + FILE_HEADER_BYTES; packets < most_packets && record < end; packets++) {
    uint32_t captured;
    memcpy(&captured, record + 8, 4);
    const uint8_t *frame = record + RECORD_HEADER_BYTES;
    if (write(in, frame + ETHERNET_BYTES, captured - ETHERNET_BYTES) < 0) die("write");
    record = frame + captured;
    if (packets % PACKETS_PER_LOOK == 0 && now() - begin > most_seconds) {
      packets++;
      break;
    }
  }
  printf("%ld %.9f\n", packets, now() - begin);
  fflush(stdout);
  shell(argv[5]);
  return 0;
}
