// Go's net/http, with its default transport.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

func get(name string, status int, text string) {
	request, err := http.NewRequest("GET", "http://localhost:"+os.Getenv("PORT")+"/secretsmanager/get?secretId="+name, nil)
	if err != nil {
		panic(err)
	}
	request.Header.Set("X-Aws-Parameters-Secrets-Token", os.Getenv("AWS_SESSION_TOKEN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	// Read to its end, so that the connection is kept.
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !strings.Contains(string(body), text) {
		panic(fmt.Sprint(err, response.Status, string(body)))
	}
}

func read() { get("example/plain", 200, `"SecretString":"not-a-secret"`) }

func main() {
	read()
	read()
	get("missing", 400, "an unexpected error occurred while executing request")
	var burst sync.WaitGroup
	for range 64 {
		burst.Add(1)
		go func() {
			defer burst.Done()
			read()
		}()
	}
	burst.Wait()
	for range 200 {
		read()
	}
}
