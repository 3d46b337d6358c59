*mangle
:FORWARD
-p tcp -j TCPOPTSTRIP --strip-options wscale,timestamp ; -p tcp -j TCPOPTSTRIP --strip-options 3,8 ; OK ; TCPOPTSTRIP options 3,8
-p tcp -j TCPOPTSTRIP --strip-options 3,5,99 ; = ; OK ; TCPOPTSTRIP options 3,5,99
-p tcp -j TCPOPTSTRIP ; = ; OK ;  
-j TCPOPTSTRIP --strip-options 3 ;  ; KERNEL x_tables: ip_tables: TCPOPTSTRIP target: only valid for protocol 6
-p tcp -j TCPOPTSTRIP --strip-options foo ;  ; FAIL Bad TCP option value "foo"
-p tcp -j TCPOPTSTRIP --strip-options 256 ;  ; FAIL Bad TCP option value "256"
-p tcp -j TCPOPTSTRIP --strip-options 0 ;  ; FAIL Option value may not be 0 or 1
-p tcp -j TCPOPTSTRIP --strip-options md5,mss,sack,sack-permitted,echo ;  ; FAIL Bad TCP option value "echo"
*filter
-p tcp -j TCPOPTSTRIP --strip-options 3 ;  ; KERNEL x_tables: ip_tables: TCPOPTSTRIP target: only valid in mangle table, not filter
*mangle
-p tcp -j TCPOPTSTRIP --strip-options 3,,5 ;  ; FAIL Bad TCP option value ""
-p tcp -j TCPOPTSTRIP --strip-options "" ;  ; FAIL Bad TCP option value ""
-p tcp -j TCPOPTSTRIP --strip-options 3, ;  ; FAIL Bad TCP option value ""
-p tcp -j TCPOPTSTRIP --strip-options md5,mss,sack,sack-permitted ; -p tcp -j TCPOPTSTRIP --strip-options 2,4,5,19 ; OK ; TCPOPTSTRIP options 2,4,5,19
-p tcp -j TCPOPTSTRIP --strip-options 1 ;  ; FAIL Option value may not be 0 or 1
-p tcp -j TCPOPTSTRIP --strip-options 3 --strip-options 4 ;  ; FAIL TCPOPTSTRIP: option "--strip-options" can only be used once.
-p tcp -j TCPOPTSTRIP ! --strip-options 3 ;  ; FAIL TCPOPTSTRIP: option "--strip-options" cannot be inverted.
-p tcp -j TCPOPTSTRIP --strip-options 0x13 ; -p tcp -j TCPOPTSTRIP --strip-options 19 ; OK ; TCPOPTSTRIP options 19
-p tcp -j TCPOPTSTRIP --strip-options MSS ;  ; FAIL Bad TCP option value "MSS"
