:FORWARD
-j AUDIT ;  ; FAIL AUDIT: option "--type" must be specified
-j AUDIT --type accept ; = ; OK ; AUDIT accept
-j AUDIT --type DROP ; -j AUDIT --type drop ; OK ; AUDIT drop
-j AUDIT --type reject ; = ; OK ; AUDIT reject
-j AUDIT --type foo ;  ; FAIL Bad action type value "foo"
