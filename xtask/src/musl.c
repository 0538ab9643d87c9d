// Loads the library that is named, with every symbol of it found, and asks it something: check LIBRARY
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

int main(int count, char **arguments) {
    void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    uint32_t (*version)(void) = library ? (uint32_t (*)(void))dlsym(library, "ffi_windlass_uniffi_contract_version") : NULL;
    if (!version) {
        puts(dlerror());
        return 1;
    }
    printf("musl has loaded it, contract %u\n", version());
    return 0;
}
