/* Reads meters over Modbus TCP with libmodbus once a second, one connection to each port, and prints what that took: samples,
 * CPU microseconds and RSS in bytes. Arguments: host, seconds, reads as table/address/count joined by commas, then one
 * port:unit for each meter. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct read { int holding, address, count; };

static long long monotonic_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static long rss_bytes(void) {
  long pages = 0, resident = 0;
  FILE *statm = fopen("/proc/self/statm", "r");
  if (statm == NULL || fscanf(statm, "%ld %ld", &pages, &resident) != 2) exit(1);
  fclose(statm);
  return resident * sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  const int seconds = atoi(argv[2]);
  struct read reads[64];
  int read_count = 0;
  for (char *word = strtok(argv[3], ","); word != NULL && read_count < 64; word = strtok(NULL, ",")) {
    struct read *next = &reads[read_count++];
    if (sscanf(word, "%d/%d/%d", &next->holding, &next->address, &next->count) != 3) return 2;
  }
  const int meters = argc - 4;
  modbus_t **clients = calloc(meters, sizeof *clients);
  int *ports = calloc(meters, sizeof *ports), *units = calloc(meters, sizeof *units);
  for (int i = 0; i < meters; i++) {
    if (sscanf(argv[4 + i], "%d:%d", &ports[i], &units[i]) != 2) return 2;
    for (int other = 0; other < i && clients[i] == NULL; other++)
      if (ports[other] == ports[i]) clients[i] = clients[other];
    if (clients[i] != NULL) continue;
    clients[i] = modbus_new_tcp(argv[1], ports[i]);
    if (modbus_connect(clients[i]) != 0) {
      fprintf(stderr, "connect: %s\n", modbus_strerror(errno));
      return 1;
    }
  }
  uint16_t registers[MODBUS_MAX_READ_REGISTERS];
  const long long started = monotonic_us(), cpu = cpu_us();
  long samples = 0;
  for (int second = 0; second < seconds; second++) {
    for (int i = 0; i < meters; i++) {
      modbus_set_slave(clients[i], units[i]);
      for (int r = 0; r < read_count; r++) {
        const int got = reads[r].holding
                            ? modbus_read_registers(clients[i], reads[r].address, reads[r].count, registers)
                            : modbus_read_input_registers(clients[i], reads[r].address, reads[r].count, registers);
        if (got != reads[r].count) {
          fprintf(stderr, "read: %s\n", modbus_strerror(errno));
          return 1;
        }
      }
      samples++;
    }
    const long long left = started + (second + 1) * 1000000LL - monotonic_us();
    if (left > 0) usleep(left);
  }
  printf("%ld %lld %ld\n", samples, cpu_us() - cpu, rss_bytes());
  return 0;
}
