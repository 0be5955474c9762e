/* SPDX-License-Identifier: Apache-2.0 */
/* Domain XML from libvirt and from templates: read under limits, and a domain made from a template
 * has no host device. */
#include <string.h>

#include "base/mem.h"
#include "driver/libvirt/domain_xml.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *xml = xstrndup((const char *)data, size);
    struct hostdevs devices = {0};
    if (domain_xml_hostdevs(xml, &devices, NULL) == 0) {
        fuzz_assert(devices.n <= DOMAIN_MAX_HOSTDEVS, "host devices are bounded");
    }
    vec_done(&devices);
    CLEANUP_FREE char *made = NULL;
    if (domain_xml_from_template(xml, "vm", &made, NULL) == 0) {
        struct hostdevs none = {0};
        fuzz_assert(domain_xml_hostdevs(made, &none, NULL) == 0, "own output is read");
        fuzz_assert(none.n == 0, "a template brings no host device");
        vec_done(&none);
    }
    return 0;
}
