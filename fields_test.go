package parley_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"github.com/parleygo/parley"
)

// answered is a conn that keeps an answer, and a Responder with whole.
type answered struct {
	parley.Conn
	status int
	header http.Header
	body   []byte
}

func (a *answered) Send(_ context.Context, event parley.Event) error {
	switch e := event.(type) {
	case parley.HTTPResponseStart:
		a.status, a.header = e.Status, e.Header
	case parley.HTTPResponseBody:
		a.body = e.Body
	}
	return nil
}

type whole struct{ *answered }

func (w *whole) Respond(_ context.Context, status int, fields parley.Fields, body []byte) error {
	w.status, w.body = status, body
	clear(w.header)
	for i := range fields.Len() {
		name, values := fields.At(i)
		w.header[name] = values
	}
	return nil
}

// TestRespondKeepsNoHeader: the map stays the caller's, whatever the conn.
func TestRespondKeepsNoHeader(t *testing.T) {
	for n := range 8 {
		header, want := http.Header{}, http.Header{}
		for i := range n {
			header[fmt.Sprint("X-", i)], want[fmt.Sprint("X-", i)] = []string{"a", "b"}, []string{"a", "b"}
		}
		kept := &answered{header: http.Header{}}
		for _, conn := range []parley.Conn{&whole{kept}, kept} {
			if err := parley.Respond(t.Context(), conn, 201, header, []byte("body")); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(header, want) {
				t.Errorf("%d fields: the caller's map becomes %v", n, header)
			}
			header["X-Later"] = nil
			if delete(kept.header, "Content-Length"); !reflect.DeepEqual(kept.header, want) ||
				kept.status != 201 || string(kept.body) != "body" {
				t.Errorf("%d fields: answered %+v, want %v", n, kept, want)
			}
			delete(header, "X-Later")
		}
	}
}

func TestFieldsSet(t *testing.T) {
	for n := range 6 {
		header := http.Header{}
		for i := range n {
			header[fmt.Sprint("X-", i)] = []string{"a", "b"}
		}
		for i := range n + 1 {
			name := fmt.Sprint("X-", i)
			fields := parley.FieldsOf(header)
			if fields.Has(fmt.Sprint("x-", i)) != (i < n) {
				t.Errorf("%d fields: has %s: %v", n, name, fields.Has(name))
			}
			fields.Set(name, "new")
			got, want := http.Header{}, header.Clone()
			for j := range fields.Len() {
				name, values := fields.At(j)
				got[name] = values
			}
			if want[name] = []string{"new"}; !reflect.DeepEqual(got, want) || !fields.Has(name) {
				t.Errorf("%d fields, %s set: %v", n, name, got)
			}
		}
	}
}

func TestAllocRespond(t *testing.T) {
	conn := &whole{&answered{header: http.Header{}}}
	text, body := []string{"text/plain"}, []byte("body")
	got := testing.AllocsPerRun(100, func() {
		header := http.Header{"Content-Type": text, "X-A": text, "X-B": text}
		if err := parley.Respond(context.Background(), conn, 200, header, body); err != nil {
			t.Error(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}
