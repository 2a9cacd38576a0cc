package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/parleygo/parley/client"
)

// A page imports the module from where it is served.
func ExampleHandler() {
	mux := http.NewServeMux()
	mux.Handle("GET /parley.js", client.Handler())

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/parley.js", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/javascript; charset=utf-8
}
