/* A plugin for QEMU's user-mode emulators: writes which instructions a program executes, in order, to a file.
 *
 *     gcc -O2 -shared -fPIC trace.c -o trace.so
 *     qemu-aarch64 -plugin ./trace.so,to=FILE PROGRAM
 *
 * Of each block of instructions that is executed one after the other: the address of the first, and how many, as two
 * 64-bit words.  The declarations are those of QEMU's plugin interface, version 1 (QEMU 4.2 to 8). */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef void (*tb_callback)(qemu_plugin_id_t, struct qemu_plugin_tb *);
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, tb_callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *),
                                          enum qemu_plugin_cb_flags, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
static FILE *to;

static void executed(unsigned cpu, void *block)
{
    (void)cpu;
    fwrite(block, sizeof(uint64_t), 2, to);
}
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    uint64_t *block = malloc(2 * sizeof *block); /* QEMU may run it until the end */
    block[0] = qemu_plugin_tb_vaddr(tb), block[1] = qemu_plugin_tb_n_insns(tb);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, block);
}
static void finished(qemu_plugin_id_t id, void *data)
{
    (void)id, (void)data;
    fclose(to);
}
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
                                                               char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "to=", 3) || !(to = fopen(argv[0] + 3, "wb")))
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
