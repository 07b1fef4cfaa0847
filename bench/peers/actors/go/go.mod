module weft.example/peers/actors

go 1.19
