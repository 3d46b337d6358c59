*mangle
:POSTROUTING
-j CHECKSUM --checksum-fill ; = ; OK ; CHECKSUM fill
-j CHECKSUM ;  ; FAIL CHECKSUM: option "--checksum-fill" must be specified
*filter
:FORWARD
-j CHECKSUM --checksum-fill ;  ; KERNEL x_tables: ip_tables: CHECKSUM target: only valid in mangle table, not filter
*mangle
:POSTROUTING
-p udp --dport 68 -j CHECKSUM --checksum-fill ; -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill ; OK ; udp dpt:68 CHECKSUM fill
-p tcp -j CHECKSUM --checksum-fill ; = ; OK ; CHECKSUM fill
