module go-listener

go 1.27
