define set_int_result
  set $x0 = $arg0
end
define print_int_result
  print $w0
end
define set_double_result
  set $d0 = $arg0
end
define print_double_result
  printf "double %g\n", $d0.f
end
define vector_registers
  print $v0.s.f
  set $v0.s.f[1] = 8
  print $v0
  printf "fpcr or fcsr = 0x%x\n", $fpcr
end
define set_third_argument
  set $x2 = $arg0
end
define catch_write_by_number
  catch syscall 64
end
# The range steps are seen in the packets.
define next_over_loop
  set debug remote 1
  next
  set debug remote 0
end
