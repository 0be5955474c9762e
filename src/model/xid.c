/* SPDX-License-Identifier: Apache-2.0 */
#include "model/xid.h"

#include "base/attr.h"

/* By number. Left out: those that the catalog calls unused. Two are not as the catalog has them:
 *   48   its bucket is a workflow (the GPU Debug Guidelines: drain, then reset), so a reset here;
 *        new work waits until someone looked, what runs goes on;
 *   74, 144 to 150   workflows that need the links' registers: a note, for people to follow. */
static const struct xid table[] = {
    {8, XID_VM, "GPU stopped processing"},
    {11, XID_VM, "invalid or corrupted push buffer stream"},
    {13, XID_VM, "graphics engine exception"},
    {25, XID_VM, "invalid or illegal push buffer stream"},
    {31, XID_VM, "GPU memory page fault"},
    {32, XID_VM, "invalid or corrupted push buffer stream"},
    {37, XID_NOTE, "driver firmware error"},
    {38, XID_NOTE, "driver firmware error"},
    {39, XID_VM, "copy engine exception"},
    {40, XID_VM, "copy engine exception"},
    {41, XID_VM, "copy engine exception"},
    {43, XID_NOTE, "GPU stopped processing"},
    {44, XID_NOTE, "graphics engine fault during context switch"},
    {45, XID_NOTE, "preemptive cleanup, due to previous errors"},
    {46, XID_RESET, "GPU stopped processing"},
    {48, XID_RESET, "double bit ECC error"},
    {54, XID_NOTE, "auxiliary power is not connected to the GPU board"},
    {60, XID_VM, "video processor exception"},
    {62, XID_RESET, "internal micro-controller halt"},
    {63, XID_NOTE, "GPU memory remapping event"},
    {64, XID_RESET, "GPU memory remapping failure"},
    {66, XID_NOTE, "illegal access by driver"},
    {67, XID_NOTE, "illegal access by driver"},
    {68, XID_VM, "NVDEC0 exception"},
    {69, XID_VM, "graphics engine class error"},
    {70, XID_VM, "copy engine 3 error"},
    {71, XID_VM, "copy engine 4 error"},
    {72, XID_VM, "copy engine 5 error"},
    {74, XID_NOTE, "NVLink error"},
    {75, XID_VM, "copy engine 6 error"},
    {76, XID_VM, "copy engine 7 error"},
    {77, XID_VM, "copy engine 8 error"},
    {78, XID_VM, "vGPU start error"},
    {79, XID_REBOOT, "GPU has fallen off the bus"},
    {80, XID_VM, "corrupted data sent to GPU"},
    {82, XID_VM, "NVJPG0 error"},
    {83, XID_VM, "NVDEC1 error"},
    {84, XID_VM, "NVDEC2 error"},
    {85, XID_VM, "copy engine 9 error"},
    {86, XID_VM, "OFA exception"},
    {88, XID_VM, "NVDEC3 error"},
    {89, XID_VM, "NVDEC4 error"},
    {92, XID_NOTE, "high single-bit ECC error rate"},
    {93, XID_NOTE, "InfoROM wear limit exceeded"},
    {94, XID_VM, "contained memory error"},
    {95, XID_RESET, "uncontained memory error"},
    {96, XID_VM, "NVDEC5 error"},
    {97, XID_VM, "NVDEC6 error"},
    {98, XID_VM, "NVDEC7 error"},
    {99, XID_VM, "NVJPG1 error"},
    {100, XID_VM, "NVJPG2 error"},
    {101, XID_VM, "NVJPG3 error"},
    {102, XID_VM, "NVJPG4 error"},
    {103, XID_VM, "NVJPG5 error"},
    {104, XID_VM, "NVJPG6 error"},
    {105, XID_VM, "NVJPG7 error"},
    {109, XID_RESET, "context switch timeout"},
    {110, XID_RESET, "security fault"},
    {119, XID_RESET, "GSP RPC timeout"},
    {120, XID_RESET, "GSP error"},
    {121, XID_NOTE, "C2C link error"},
    {126, XID_VM, "copy engine 10 error"},
    {127, XID_VM, "copy engine 11 error"},
    {128, XID_VM, "copy engine 12 error"},
    {129, XID_VM, "copy engine 13 error"},
    {130, XID_VM, "copy engine 14 error"},
    {131, XID_VM, "copy engine 15 error"},
    {132, XID_VM, "copy engine 16 error"},
    {133, XID_VM, "copy engine 17 error"},
    {134, XID_VM, "copy engine 18 error"},
    {135, XID_VM, "copy engine 19 error"},
    {136, XID_RESET, "NVLink training failed"},
    {137, XID_NOTE, "NVLink privilege error"},
    {139, XID_VM, "OFA1 error"},
    {140, XID_RESET, "unrecovered ECC error"},
    {141, XID_NOTE, "CUDA fast path error"},
    {143, XID_RESET, "GPU initialization error"},
    {144, XID_NOTE, "NVLink SAW error"},
    {145, XID_NOTE, "NVLink RLW error"},
    {146, XID_NOTE, "NVLink TLW error"},
    {147, XID_NOTE, "NVLink TREX error"},
    {148, XID_NOTE, "NVLink NVLPW_CTRL error"},
    {149, XID_NOTE, "NVLink NETIR error"},
    {150, XID_NOTE, "NVLink MSE error"},
    {151, XID_VM, "key rotation error"},
    {154, XID_NOTE, "GPU recovery action changed"},
    {155, XID_RESET, "NVLink software defined error"},
    {156, XID_RESET, "resource retirement event"},
    {157, XID_NOTE, "resource retirement failure"},
    {158, XID_RESET, "GPU fatal timeout"},
    {160, XID_NOTE, "channel retirement event"},
    {161, XID_NOTE, "channel retirement failure"},
};

struct xid xid_find(uint32_t number)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].number == number) {
            return table[i];
        }
    }
    return (struct xid){
        .number = number, .effect = XID_NOTE, .text = "not in NVIDIA's Xid catalog"};
}

bool xid_condemns(const struct xid *xid)
{
    return xid->effect == XID_RESET || xid->effect == XID_REBOOT;
}

const char *xid_advice(const struct xid *xid)
{
    switch (xid->effect) {
    case XID_NOTE:
        return "the GPU continues";
    case XID_VM:
        return "restart the program that caused it, or its VM; the GPU works";
    case XID_RESET:
        return "the GPU must be reset";
    case XID_REBOOT:
        return "the host must be rebooted";
    }
    return "";
}
