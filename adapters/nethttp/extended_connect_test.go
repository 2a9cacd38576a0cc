package nethttp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley/adapters/nethttp"
)

// connecting is a handshake of HTTP/2 as net/http hands it on.
func connecting() *http.Request {
	r := httptest.NewRequest(http.MethodConnect, "/", nil)
	r.URL.Path, r.ProtoMajor, r.ProtoMinor, r.Proto = "/", 2, 0, "HTTP/2.0"
	r.Header[":protocol"] = []string{"websocket"}
	r.Header.Set("Sec-WebSocket-Version", "13")
	return r
}

// TestExtendedConnectAnswers: over HTTP/2 any 2xx opens a socket, so that whoever is no
// gateway says none.
func TestExtendedConnectAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		h      http.HandlerFunc
		status int
		body   string
	}{
		{"writes", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, "page")
		}, 405, "Method Not Allowed\n"},
		{"says nothing", func(http.ResponseWriter, *http.Request) {}, 405, "Method Not Allowed\n"},
		{"flushes", func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
			405, "Method Not Allowed\n"},
		{"flushes by the controller", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}, 405, "Method Not Allowed\n"},
		{"says 204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
			405, "Method Not Allowed\n"},
		{"refuses", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no", http.StatusForbidden)
			w.WriteHeader(http.StatusOK) // too late
		}, 403, "no\n"},
		{"redirects", http.RedirectHandler("/there", 302).ServeHTTP, 302, "<a href=\"/there\">Found</a>.\n\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			var asked *http.Request
			handler := func(w http.ResponseWriter, r *http.Request) {
				asked = r
				test.h(w, r)
			}
			nethttp.ExtendedConnect(http.HandlerFunc(handler)).ServeHTTP(w, connecting())
			if w.Code != test.status || w.Body.String() != test.body || w.Header().Get("Content-Encoding") != "" {
				t.Errorf("answered with %d %v %q", w.Code, w.Header(), w.Body)
			}
			if asked.Method != "GET" || asked.Header.Get("Upgrade") != "websocket" ||
				asked.Header.Get("Connection") != "Upgrade" || asked.Header[":protocol"] != nil {
				t.Errorf("the handler was asked %s with %v", asked.Method, asked.Header)
			}
		})
	}
}

// TestExtendedConnectPassesOthers: what is no handshake of HTTP/2 stays what it is.
func TestExtendedConnectPassesOthers(t *testing.T) {
	for name, change := range map[string]func(r *http.Request){
		"GET":                 func(r *http.Request) { r.Method = "GET" },
		"HTTP/1.1":            func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 1, 1 },
		"CONNECT":             func(r *http.Request) { delete(r.Header, ":protocol") },
		"of another protocol": func(r *http.Request) { r.Header[":protocol"] = []string{"connect-udp"} },
	} {
		w, r := httptest.NewRecorder(), connecting()
		change(r)
		nethttp.ExtendedConnect(http.HandlerFunc(func(gotW http.ResponseWriter, gotR *http.Request) {
			if gotW != w || gotR != r {
				t.Errorf("%s: is not handed on as it is", name)
			}
		})).ServeHTTP(w, r)
	}
}

// TestExtendedConnectNotifies: gin's Stream asks for a CloseNotifier without looking.
func TestExtendedConnectNotifies(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nethttp.ExtendedConnect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if w.(interface{ CloseNotify() <-chan bool }).CloseNotify() == nil {
				t.Error("nobody is told")
			}
		})).ServeHTTP(w, connecting())
	}))
	server.Start()
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	recorder := httptest.NewRecorder() // has none
	nethttp.ExtendedConnect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if w.(interface{ CloseNotify() <-chan bool }).CloseNotify() != nil {
			t.Error("told by whom?")
		}
	})).ServeHTTP(recorder, connecting())
}
