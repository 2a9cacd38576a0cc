package overevents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// TestOverEventsLazyBody: nothing is received for a handler that does not read.
func TestOverEventsLazyBody(t *testing.T) {
	conn, err := converse(t, say("no, thanks"), request(t, http.MethodPost, "/",
		strings.NewReader("unread")))
	if err != nil || conn.asked != 0 {
		t.Errorf("%d receives, %v", conn.asked, err)
	}
	var body io.Reader
	conn, err = converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body = r.Body
		io.ReadAll(r.Body)
	}), request(t, http.MethodGet, "/", nil))
	if err != nil || conn.asked != 0 || body != http.NoBody {
		t.Errorf("%d receives, %v, body %v", conn.asked, err, body)
	}
}

// TestOverEventsDuplex: an answer may begin before the request is read, which
// net/http allows only on HTTP/2.
func TestOverEventsDuplex(t *testing.T) {
	sent := strings.Repeat("duplex ", 1000)
	conn, err := converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		io.Copy(w, r.Body)
	}), request(t, http.MethodPost, "/", strings.NewReader(sent)))
	if err != nil || conn.got.Body != sent {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

func TestOverEventsUndeclaredRequestTrailers(t *testing.T) {
	scope, body := scopeOf(t, request(t, http.MethodPost, "/",
		struct{ io.Reader }{strings.NewReader("x")}))
	conn := &refereeConn{chunks: [][]byte{body}}
	conn.finish = func() { scope.Request.Trailer = http.Header{"X-Sum": {"1"}} }
	err := conn.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.ReadAll(r.Body)
		fmt.Fprint(w, r.Trailer)
	}), scope)
	if err != nil || conn.got.Body != "map[X-Sum:[1]]" {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

// TestOverEventsLostClient: a client that leaves in the middle of its request
// ends the reading, the writing and the conversation with an error that says so.
func TestOverEventsLostClient(t *testing.T) {
	scope, _ := scopeOf(t, request(t, http.MethodPost, "/", strings.NewReader("half of it")))
	conn := &refereeConn{chunks: [][]byte{[]byte("half")}, gone: parley.ErrDisconnected}
	err := conn.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if string(body) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) ||
			!errors.Is(err, parley.ErrDisconnected) {
			t.Errorf("read %q, %v", body, err)
		}
		io.WriteString(w, "anybody there?")
		for range 2 {
			if err := http.NewResponseController(w).Flush(); !errors.Is(err, parley.ErrDisconnected) {
				t.Errorf("flushed: %v", err)
			}
		}
		if _, err := io.WriteString(w, "no"); !errors.Is(err, parley.ErrDisconnected) {
			t.Errorf("wrote: %v", err)
		}
	}), scope)
	if !errors.Is(err, parley.ErrDisconnected) || len(conn.events) != 0 {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

// TestOverEventsLostClientCause: once the context knows, not even the buffer
// takes anything, and whoever waits is woken.
func TestOverEventsLostClientCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	scope, _ := scopeOf(t, request(t, http.MethodGet, "/", nil))
	err := Serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gone := w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
		cancel(fmt.Errorf("cable cut: %w", parley.ErrDisconnected))
		<-gone
		<-r.Context().Done()
		if cause := context.Cause(r.Context()); !errors.Is(cause, parley.ErrDisconnected) {
			t.Errorf("cause %v", cause)
		}
		if n, err := io.WriteString(w, "x"); n != 0 || !errors.Is(err, parley.ErrDisconnected) {
			t.Errorf("wrote %d, %v", n, err)
		}
	}), scope, &refereeConn{})
	if !errors.Is(err, parley.ErrDisconnected) {
		t.Error(err)
	}
}

// TestOverEventsDeadline: a handler stopped by a deadline can still tell its
// client, as on net/http's own server.
func TestOverEventsDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	scope, _ := scopeOf(t, request(t, http.MethodGet, "/", nil))
	conn := &refereeConn{}
	err := Serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		http.Error(w, r.Context().Err().Error(), http.StatusGatewayTimeout)
	}), scope, conn)
	if err != nil || conn.got.Status != http.StatusGatewayTimeout {
		t.Errorf("got %v, %v", conn.got, err)
	}
}

// TestOverEventsContextEnds: the request's context ends with the handler,
// whether anybody had asked for it before or not.
func TestOverEventsContextEnds(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	for _, asked := range []bool{false, true} {
		var kept context.Context
		scope, _ := scopeOf(t, request(t, http.MethodGet, "/", nil))
		err := Serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			kept = r.Context()
			if asked {
				kept.Done()
			}
			if kept.Err() != nil || kept.Value(key{}) != "value" {
				t.Errorf("in the handler: %v, %v", kept.Err(), kept.Value(key{}))
			}
		}), scope, &refereeConn{})
		if err != nil || kept.Err() != context.Canceled {
			t.Errorf("afterwards: %v, %v", err, kept.Err())
		}
		<-kept.Done()
		if cause := context.Cause(kept); cause != parley.ErrFinished || kept.Value(key{}) != "value" {
			t.Errorf("afterwards: cause %v, value %v", cause, kept.Value(key{}))
		}
	}
}

// TestOverEventsReadLeftBehind: a Read that still waits when the handler returns
// is ended, and over before the conn is given up.
func TestOverEventsReadLeftBehind(t *testing.T) {
	scope, _ := scopeOf(t, request(t, http.MethodPost, "/", strings.NewReader("never sent")))
	conn := &silentConn{refereeConn: &refereeConn{}, waiting: make(chan struct{})}
	result := make(chan error, 1)
	err := Serve(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() {
			_, err := r.Body.Read(make([]byte, 1))
			result <- err
		}()
		<-conn.waiting
	}), scope, conn)
	if err != nil || conn.got.Status != http.StatusOK {
		t.Errorf("got %v, %v", conn.got, err)
	}
	if err := <-result; !errors.Is(err, parley.ErrFinished) {
		t.Errorf("read: %v", err)
	}
}

// silentConn has a client that never sends its body.
type silentConn struct {
	*refereeConn
	waiting chan struct{}
}

func (c *silentConn) Receive(ctx context.Context) (parley.Event, error) {
	close(c.waiting)
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// TestOverEventsTemporaryFiles: files of a multipart form are gone afterwards.
func TestOverEventsTemporaryFiles(t *testing.T) {
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	part, err := parts.CreateFormFile("file", "big.bin")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(digits(100_000))
	parts.Close()
	r := request(t, http.MethodPost, "/", &form)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	var name string
	_, err = converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
			return
		}
		file, err := r.MultipartForm.File["file"][0].Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		if onDisk, ok := file.(*os.File); ok {
			name = onDisk.Name()
		}
	}), r)
	if err != nil || name == "" {
		t.Fatalf("%v, temporary file %q", err, name)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", name, err)
	}
}
