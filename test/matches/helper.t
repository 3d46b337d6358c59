:FORWARD
-m helper ;  ; FAIL helper: option "--helper" must be specified
-m helper --helper ftp ; = ; OK ; helper match "ftp"
-m helper ! --helper ftp ; = ; OK ; helper match ! "ftp"
-m helper --helper "" ; = ; OK ; helper match ""
-m helper --helper ftp-2121 ; = ; OK ; helper match "ftp-2121"
-m helper --helper "a b" ; = ; OK ; helper match "a b"
-m helper --helper aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ; -m helper --helper aaaaaaaaaaaaaaaaaaaaaaaaaaaaa ; OK ; helper match "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
-m helper --helper ftp --helper irc ;  ; FAIL helper: option "--helper" can only be used once.
%6
-m helper --helper ftp ; = ; OK ; helper match "ftp"
