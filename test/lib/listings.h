/* SPDX-License-Identifier: Apache-2.0 */
/* Canned answers of the API, each to a command of the CLI that lists or shows what is in them. */
#ifndef TEST_LIB_LISTINGS_H
#define TEST_LIB_LISTINGS_H

#define UUID "7d0f3c1e-2b41-4c59-8000-000000000001"
#define VM "build-runner-windows-2022-gpu-07"
#define LONG_VM VM "-" VM "-" VM "-" VM
#define MODEL "rtx-pro-6000-blackwell-max-q"
#define TIME "2026-01-02T03:04:05.123456Z"
#define PROBLEM                                                                                    \
    "the driver answers no call since 03:04:05 (Xid 79, GPU has fallen off the bus), see journal"

#define GPU(vm, problem)                                                                           \
    "{\"gpus\":[{\"address\":\"0000:41:00.0\",\"index\":12,\"name\":\"NVIDIA RTX PRO 6000 "        \
    "Blackwell Max-Q Workstation Edition\",\"mode\":\"time-sliced\",\"memory\":{\"totalBytes\":"   \
    "103079215104,\"usedBytes\":96636764160},\"gpuInstances\":[],\"vgpus\":[1,2],\"vm\":" vm       \
    ",\"problem\":" problem "}]}"
#define CLAIM(name, vm, device)                                                                    \
    "{\"claims\":[{\"name\":\"" name "\",\"state\":\"releasing\",\"vm\":\"" vm "\",\"mode\":"      \
    "\"time-sliced-mig-backed\",\"type\":\"NVIDIA RTX PRO 6000 Blackwell DC-1-24Q\","              \
    "\"assigned\":{\"profile\":\"1g.24gb+gfx\",\"gpu\":\"0000:41:00.0\"," device                   \
    "},\"site\":\"frankfurt-2\"}]}"

#define BAD_CLAIM                                                                                  \
    "{\"claims\":[{\"name\":\"web1\",\"state\":\"bound\",\"vm\":\"web1\",\"mode\":\"time-"         \
    "sliced\","                                                                                    \
    "\"type\":\"NVIDIA L40S-8Q\",\"assigned\":{\"gpu\":\"0000:41:00.0\",\"device\":"               \
    "\"0000:41:00.5\"},\"problem\":\"its VM \\\"web1\\\" is gone: it will be released at "         \
    "2026-01-02T03:05:05.000000Z\"}]}"

struct listing_answer {
    const char *command;
    const char *reply;
    const char *whole; /* at 80 columns in one piece, words between blanks */
};

static const struct listing_answer listing_answers[] = {
    {"gpu list", GPU("\"web1\"", "null"), "0000:41:00.0 12 time-sliced 90.0 web1 RTX"},
    {"gpu list", GPU("null", "\"" PROBLEM "\""), "0000:41:00.0 time-sliced Xid 79, journal"},
    {"gpu list", GPU("\"" LONG_VM "\"", "null"), "0000:41:00.0 time-sliced"},
    {"gpu list",
     "{\"gpus\":[{\"address\":\"0000:41:00.0\",\"model\":\"" MODEL "\",\"mode\":\"mig\",\"mig\":"
     "{\"enabled\":true},\"memory\":{\"totalBytes\":103079215104,\"usedBytes\":0},"
     "\"gpuInstances\":[{\"size\":3},{\"size\":6}]}],\"models\":[{\"key\":\"" MODEL "\","
     "\"memorySlices\":12}]}",
     "0000:41:00.0 mig 9 of 12 slices"},
    {"claim list", BAD_CLAIM, "web1 bound ! web1"},
    {"claim list", CLAIM("web1", "web1", "\"device\":\"0000:41:00.5\""),
     "web1 releasing 0000:41:00.0 0000:41:00.5 DC-1-24Q"},
    {"claim list", CLAIM("web1", "web1", "\"mdevUuid\":\"" UUID "\""),
     "web1 releasing 0000:41:00.0 " UUID},
    {"claim list", CLAIM(VM, VM, "\"device\":\"0000:41:00.5\""),
     "releasing 0000:41:00.0 0000:41:00.5"},
    {"claim list", CLAIM(LONG_VM, LONG_VM, "\"mdevUuid\":\"" UUID "\""),
     "releasing 0000:41:00.0 " UUID},
    {"claim list --released",
     "{\"released\":[{\"claim\":{\"name\":\"" VM "\",\"vm\":\"" VM "\",\"mode\":"
     "\"time-sliced-mig-backed\",\"type\":\"NVIDIA DC-1-24Q\"},\"releasedAt\":\"" TIME
     "\",\"reason\":\"its VM was undefined\"}]}",
     "DC-1-24Q its VM undefined"},
    {"plan list",
     "{\"plans\":[{\"id\":\"" UUID "\",\"state\":\"running\",\"steps\":[{},{}],\"createdAt\":"
     "\"" TIME "\",\"author\":\"root\",\"reason\":\"claim create " VM "\"}]}",
     "7d0f3c1e running claim create"},
    {"plan show x",
     "{\"id\":\"" UUID "\",\"state\":\"failed\",\"createdAt\":\"" TIME "\",\"problem\":\"" PROBLEM
     "\",\"reason\":\"claim create\",\"steps\":[{\"state\":\"failed\",\"text\":\"create vGPU "
     "DC-1-24Q on 0000:41:00.5\",\"problem\":\"" PROBLEM "\",\"claim\":\"" VM "\",\"vm\":\"" VM
     "\"}],\"instances\":[{\"gpu\":\"0000:41:00.0\",\"profile\":\"1g.24gb+me.all\",\"start\":9,"
     "\"size\":3,\"what\":\"destroyed\"}]}",
     UUID " failed 0000:41:00.5: 0000:41:00.0 destroyed"},
    {"plan show y",
     "{\"id\":\"" UUID "\",\"state\":\"done\",\"reason\":\"claim delete\",\"steps\":[],\"claims\":"
     "[{\"verb\":\"release\",\"claim\":{\"name\":\"" VM
     "\",\"assigned\":{\"gpu\":\"0000:41:00.0\"}}}],"
     "\"moves\":[{\"claim\":\"b\",\"text\":\"move claim b from 0 to 4: " PROBLEM
     "\"}],\"vms\":[\"" VM "\",\"" VM "\",\"" VM "\"],\"bars\":[{\"vm\":\"" VM
     "\",\"device\":\"0000:41:00.5\"}],"
     "\"left\":[\"GPU 0000:41:00.0: " PROBLEM "\"]}",
     UUID " 0000:41:00.0 0000:41:00.5, journal"},
    {"vm lint x",
     "{\"vm\":\"" VM
     "\",\"errors\":1,\"findings\":[{\"severity\":\"error\",\"line\":12,\"element\":"
     "\"hostdev\",\"message\":\"" PROBLEM "\",\"rule\":\"saved-state\",\"why\":\"" PROBLEM
     "\",\"source\":\"QEMU, docs/pcie.txt\",\"advice\":\"" PROBLEM "\"}]}",
     "error: <hostdev>: [saved-state] docs/pcie.txt)"},
    {"gc",
     "{\"garbage\":[],\"kept\":[{\"text\":\"vGPU DC-1-24Q: " PROBLEM "\",\"reason\":\"" PROBLEM
     "\"}]}",
     "DC-1-24Q: journal"},
    {"vm list",
     "{\"vms\":[{\"name\":\"" VM "\",\"state\":\"shut-off\",\"vcpus\":128,\"memoryKib\":536870912,"
     "\"devices\":[{\"address\":\"0000:41:00.5\"},{\"mdevUuid\":\"" UUID "\"},{\"mdevUuid\":\"" UUID
     "\"}]}]}",
     VM " shut-off 0000:41:00.5, " UUID ", " UUID},
    {"profile list",
     "{\"profiles\":[{\"name\":\"1g.24gb+me\"},{\"name\":\"1g.24gb\"}],\"types\":[{\"name\":"
     "\"NVIDIA L40S-8Q\",\"series\":\"Q\",\"typeId\":1,\"framebufferMib\":8192},{\"name\":"
     "\"NVIDIA L40S-8A\",\"series\":\"A\",\"typeId\":2,\"framebufferMib\":8192},{\"name\":"
     "\"NVIDIA L40S-8\",\"series\":\"G\",\"framebufferMib\":8192},{\"name\":\"NVIDIA L40S-8C\","
     "\"series\":\"C\",\"framebufferMib\":8191}]}",
     "1g.24gb L40S-8Q/A Q, G L40S-8C"},
    {"profile list --all",
     "{\"profiles\":[{\"name\":\"1g.24gb+me.all\",\"profileId\":147,\"memoryMib\":24167,"
     "\"memorySlices\":3,\"multiprocessors\":46,\"maxInstances\":4,\"remaining\":4,\"placements\":"
     "[{\"start\":0},{\"start\":3},{\"start\":6},{\"start\":9}],\"model\":\"" MODEL
     "\"}],\"types\":[{\"name\":\"NVIDIA RTX Pro 6000 Blackwell "
     "DC-1-24Q\",\"typeId\":1500,\"framebufferMib\":24576,"
     "\"migBacked\":true,\"profile\":\"1g.24gb+gfx\",\"maxPerGpu\":12,\"maxPerInstance\":3,"
     "\"model\":\"" MODEL "\"}]}",
     "1g.24gb+me.all 0, 3, 6, 9 DC-1-24Q 1g.24gb+gfx " MODEL},
    {"event list",
     "{\"events\":[{\"seq\":123456,\"time\":\"" TIME "\",\"kind\":\"plan-finished\",\"subject\":"
     "\"plan/" UUID "\",\"author\":\"root\",\"message\":\"" PROBLEM "\"}]}",
     "123456 03:04:05 plan-finished plan/7d0f3c1e Xid journal root"},
    {"licence list",
     "{\"month\":\"2026-01\",\"licences\":[{\"product\":\"vWS\",\"countedBy\":\"vm\",\"inUse\":"
     "1200,\"reserved\":300,\"peak\":1400,\"pool\":{\"count\":1000,\"expires\":\"2026-01-31\","
     "\"policy\":\"refuse\",\"note\":\"" PROBLEM "\",\"free\":0,\"lacking\":500,\"expired\":"
     "true}},{\"product\":\"NVIDIA AI Enterprise\",\"countedBy\":\"gpu\",\"inUse\":8,"
     "\"reserved\":0,\"peak\":8,\"pool\":null}]}",
     "1200 300 1400 1000, 500 2026-01-31 refuse NVIDIA unknown"},
    {"licence usage",
     "{\"month\":\"2026-01\",\"totals\":[{\"product\":\"NVIDIA AI Enterprise\",\"tenant\":null,"
     "\"peak\":12,\"peakAt\":\"" TIME "\",\"useSeconds\":5400,\"starts\":40}],\"usage\":[{"
     "\"product\":\"NVIDIA AI Enterprise\",\"tenant\":\"department-of-physics\",\"peak\":12,"
     "\"peakAt\":\"" TIME "\",\"useSeconds\":5400,\"starts\":40}]}",
     "2026-01 department-of-physics 1.5 40"},
    {"licence usage --records",
     "{\"records\":[{\"vm\":\"" VM "\",\"product\":\"NVIDIA AI Enterprise\",\"tenant\":"
     "\"default\",\"gpu\":\"0000:41:00.0\",\"vgpus\":2,\"from\":\"" TIME "\",\"until\":\"" TIME
     "\",\"endUnknown\":true}]}",
     "03:04:05"},
    {"rule list",
     "{\"rules\":[{\"id\":\"mig-vgpu-not-for-windows-on-h100\",\"statement\":\"A MIG-backed vGPU "
     "on H100 can't serve a Windows guest.\",\"source\":\"https://docs.nvidia.com/vgpu/latest/"
     "grid-vgpu-release-notes-generic-linux-kvm/index.html\"}]}",
     "mig-vgpu-not-for-windows-on-h100 MIG-backed"},
    {"host show",
     "{\"name\":\"fake\",\"kernel\":\"6.12.0-generic-with-a-long-name-of-its-distribution\","
     "\"driverVersion\":\"580.82.07\",\"hook\":null}",
     "580.82.07"},
    {"operation list",
     "{\"operations\":[{\"id\":\"" UUID "\",\"kind\":\"migration\",\"subject\":\"vm/" VM
     "\",\"state\":\"waiting\",\"dryRun\":true,\"author\":\"root\",\"createdAt\":\"" TIME
     "\",\"progress\":{\"unit\":\"bytes\",\"done\":50,\"total\":200},\"text\":\"migrating\","
     "\"problem\":\"" PROBLEM "\"}]}",
     "7d0f3c1e migration waiting journal"},
    {"operation show x",
     "{\"operation\":{\"id\":\"" UUID "\",\"kind\":\"drain\",\"subject\":\"host\",\"state\":"
     "\"running\",\"author\":\"root\",\"createdAt\":\"" TIME
     "\",\"progress\":{\"unit\":\"VMs\",\"done\":1,\"total\":3},\"text\":\"emptying the host\","
     "\"attempts\":2,\"cancellable\":true,\"problem\":\"" PROBLEM "\",\"url\":\"/v1/drain\"}}",
     UUID " drain 1/3 journal"},
    {"migration list",
     "{\"migrations\":[{\"id\":\"" UUID "\",\"request\":{\"vm\":\"" VM "\",\"destination\":"
     "\"qemu+ssh://host-2.example.org/system\"},\"state\":\"switching\",\"createdAt\":\"" TIME
     "\",\"problem\":{\"message\":\"" PROBLEM "\"}}],\"incoming\":[{\"id\":\"" UUID
     "\",\"vm\":\"" VM "\",\"host\":\"host-2\",\"state\":\"arrived\",\"createdAt\":\"" TIME "\"}]}",
     "7d0f3c1e switching arrived"},
    {"migration show x",
     "{\"migration\":{\"id\":\"" UUID "\",\"state\":\"failed\",\"request\":{\"vm\":\"" VM
     "\"},\"checks\":[{\"result\":\"unknown\",\"rule\":\"same-driver-branch\",\"claim\":\"" VM
     "\",\"source\":\"580.82.07 on NVIDIA L40S\",\"target\":\"570.124.06 on NVIDIA L40S\","
     "\"message\":\"" PROBLEM "\"}]}}",
     "unknown same-driver-branch journal"},
    {"migration show y",
     "{\"migration\":{\"id\":\"" UUID "\",\"state\":\"switching\",\"answeredAt\":\"" TIME
     "\",\"request\":{\"vm\":\"" LONG_VM "\"},\"problem\":{\"message\":\"" PROBLEM
     "\"},\"resolution\":\"target\",\"resolvedBy\":\"" VM
     "\",\"progress\":{\"totalBytes\":4294967296,"
     "\"remainingBytes\":2147483648,\"bytesPerSecond\":1073741824}}}",
     "Problem: journal Resolved: 03:04:05 resolve " UUID "`"},
    {"migration resolve x --target --dry-run",
     "{\"migration\":{\"id\":\"" UUID "\",\"target\":\"qemu+ssh://host-2.example.org/system\","
     "\"answeredAt\":\"" TIME "\",\"request\":{\"vm\":\"" VM
     "\"}},\"resolution\":{\"source\":\"" PROBLEM "\",\"target\":\"" PROBLEM
     "\",\"steps\":[\"" PROBLEM "\"],\"afterwards\":[\"" PROBLEM "\",\"" PROBLEM "\"]}}",
     UUID " journal qemu+ssh://host-2.example.org/system: 03:04:05 libvirt"},
    {"vm migrate x qemu:///system --dry-run",
     "{\"migration\":{\"id\":\"" UUID "\",\"state\":\"checking\",\"target\":\"host-2.example.org\","
     "\"request\":{\"vm\":\"" VM "\"},\"steps\":[\"create vGPU DC-1-24Q: " PROBLEM "\"],\"checks\":"
     "[]}}",
     "DC-1-24Q: journal migrate."},
    {"vm migrate x qemu:///system --no-wait",
     "{\"migration\":{\"id\":\"" UUID "\",\"state\":\"switching\",\"request\":{\"vm\":\"" VM
     "\"}}}",
     VM " show " UUID "`"},
    {"host restore --dry-run",
     "{\"state\":\"planned\",\"plans\":[],\"gpus\":[],\"absent\":[],\"definitions\":[{\"vm\":\"" VM
     "\",\"problem\":\"" PROBLEM "\",\"hint\":\"" PROBLEM "\"}]}",
     VM ": journal"},
    {"host drain --status",
     "{\"drain\":{\"finishedAt\":\"" TIME "\",\"vms\":[{\"vm\":\"" VM
     "\",\"devices\":\"DC-1-24Q on "
     "0000:41:00.0\",\"verdict\":\"stay\",\"target\":\"qemu+ssh://host-2.example.org/system\","
     "\"state\":\"waiting\",\"reason\":\"" PROBLEM "\"}]}}",
     "0000:41:00.0"},
};

#endif
