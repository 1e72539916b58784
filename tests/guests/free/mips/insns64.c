/* The same sweep with 32 FPU registers of 64 bits (FR=1), which the ELF file asks for. build: -mfp64 -modd-spreg lib/insns-mips.S */
#include "insns.c"
