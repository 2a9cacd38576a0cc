package socket

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
)

func extendedConnect(body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodConnect, "/", body)
	r.URL.Path, r.Proto, r.ProtoMajor, r.ProtoMinor = "/", "HTTP/2.0", 2, 0
	r.Header[":protocol"] = []string{"websocket"}
	r.Header.Set("Sec-WebSocket-Version", "13")
	return r
}

func TestExtended(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(r *http.Request)
		want   bool
	}{
		{"a handshake", func(*http.Request) {}, true},
		{"over HTTP/1.1", func(r *http.Request) { r.ProtoMajor = 1 }, false},
		{"a GET", func(r *http.Request) { r.Method = http.MethodGet }, false},
		{"without a protocol", func(r *http.Request) { delete(r.Header, ":protocol") }, false},
		{"of another one", func(r *http.Request) { r.Header[":protocol"] = []string{"connect-udp"} }, false},
	} {
		r := extendedConnect(nil)
		test.change(r)
		if got := Extended(r); got != test.want {
			t.Errorf("%s: extended is %t", test.name, got)
		}
		upgrade := AsUpgrade(r)
		if (upgrade != r) != test.want || Extended(upgrade) != test.want || Completed(upgrade) {
			t.Errorf("%s: as an upgrade %v", test.name, upgrade)
		}
		if test.want && (!Requested(upgrade) || Check(upgrade) != nil || AsUpgrade(upgrade) != upgrade) {
			t.Errorf("%s: the upgrade is none: %v", test.name, Check(upgrade))
		}
	}
}

// TestExtend: the stream's body is what the peer sends, and the answer's what it gets.
func TestExtend(t *testing.T) {
	body, peer := io.Pipe()
	r, w := AsUpgrade(extendedConnect(body)), httptest.NewRecorder()
	c, err := NewUpgrader(parley.SocketOptions{}).Extend(w, r, http.Header{"X-Own": {"yes"}})
	if err != nil || !Completed(r) || w.Code != http.StatusOK || w.Header().Get("X-Own") != "yes" {
		t.Fatalf("%v, answered with %d %v", err, w.Code, w.Header())
	}
	ctx := newLife(t.Context())
	c.Start(ctx)
	served := make(chan struct{})
	go func() {
		defer close(served)
		c.Serve()
	}()
	peer.Write([]byte("\x81\x85\x00\x00\x00\x00hello"))
	message, err := c.Read(ctx)
	if string(message.Data) != "hello" || err != nil {
		t.Errorf("read %q, %v", message.Data, err)
	}
	if err := c.Write(ctx, parley.Text("welcome")); err != nil {
		t.Error(err)
	}
	peer.Write([]byte("\x88\x82\x00\x00\x00\x00\x03\xe8"))
	if _, err := c.Read(ctx); err != ErrEnded {
		t.Errorf("behind the goodbye: %v", err)
	}
	<-c.Gone()
	<-served
	if got := w.Body.String(); got != "\x81\x07welcome\x88\x02\x03\xe8" {
		t.Errorf("the peer got %q", got)
	}
	if end := c.Ended(); end.Code != parley.CloseNormal {
		t.Errorf("ended with %+v", end)
	}
}
