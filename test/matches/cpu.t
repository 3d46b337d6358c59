:FORWARD
-m cpu ;  ; FAIL cpu: option "--cpu" must be specified
-m cpu --cpu 0 ; = ; OK ; cpu 0
-m cpu ! --cpu 3 ; = ; OK ; cpu ! 3
-m cpu --cpu x ;  ; FAIL cpu: bad value for option "--cpu", or out of range (0-4294967295).
-m cpu --cpu 1 --cpu 2 ;  ; FAIL cpu: option "--cpu" can only be used once.
