define set_int_result
  set $v0 = $arg0
end
define print_int_result
  print $v0
end
# A double is in two registers of 32 bits, which gdb shows as one but sets one by one: 2.1875f is the upper half of 3.5.
define set_double_result
  set $f0 = 0
  set $f1 = 2.1875
end
define print_double_result
  info registers f0
end
define vector_registers
  printf "fpcr or fcsr = 0x%x\n", $fcsr
end
define set_third_argument
  set $a2 = $arg0
end
define catch_write_by_number
  catch syscall 4004
end
# gdb steps MIPS by breakpoints of its own and never asks for a range.
define next_over_loop
  next
end
