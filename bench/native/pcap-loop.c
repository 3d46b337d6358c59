/*
 * What libpcap itself can do: pcap-loop FILE [FILTER]
 * Reads a capture to its end and prints how many packets (that pass the filter) there were, and their bytes.
 */
#include <pcap/pcap.h>
#include <stdio.h>

static unsigned long packets, bytes;

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *data) {
  (void)user;
  (void)data;
  packets++;
  bytes += header->len;
}

int main(int argc, char **argv) {
  char error[PCAP_ERRBUF_SIZE];
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: pcap-loop FILE [FILTER]\n");
    return 2;
  }
  pcap_t *capture = pcap_open_offline(argv[1], error);
  if (capture == NULL) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  struct bpf_program filter;
  if (argc == 3 && (pcap_compile(capture, &filter, argv[2], 1, PCAP_NETMASK_UNKNOWN) != 0 ||
                    pcap_setfilter(capture, &filter) != 0)) {
    pcap_perror(capture, "filter");
    return 1;
  }
  if (pcap_loop(capture, -1, count, NULL) != 0) {
    pcap_perror(capture, argv[1]);
    return 1;
  }
  printf("%lu %lu\n", packets, bytes);
  return 0;
}
