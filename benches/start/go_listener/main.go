// The yardstick of a cold start: listens, registers as an extension, and does nothing else.
package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"))
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(reply http.ResponseWriter, request *http.Request) { reply.WriteHeader(http.StatusUnauthorized) })
	go http.Serve(listener, nil)

	url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension/register"
	request, err := http.NewRequest("POST", url, strings.NewReader(`{"events":["INVOKE","SHUTDOWN"]}`))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Lambda-Extension-Name", filepath.Base(os.Args[0]))
	if _, err = http.DefaultClient.Do(request); err != nil {
		panic(err)
	}
	select {}
}
