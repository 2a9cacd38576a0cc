package origin_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/origin"
)

// gate is a conn that decides.
type gate struct {
	parley.Conn
	err     error
	decides bool
}

func (g *gate) CheckPage(*http.Request) (bool, error) { return g.decides, g.err }

// wrapper is a conn of middleware that lets what is below be found.
type wrapper struct{ parley.Conn }

func (w wrapper) Unwrap() parley.Conn { return w.Conn }

// TestAtGate: the first conn that is a gate is asked, whatever wraps it.
func TestAtGate(t *testing.T) {
	closed := errors.New("no")
	r := httptest.NewRequest("GET", "/", nil)
	for name, c := range map[string]struct {
		conn    parley.Conn
		want    error
		decides bool
	}{
		"none":            {struct{ parley.Conn }{}, nil, false},
		"none below":      {wrapper{struct{ parley.Conn }{}}, nil, false},
		"lets in":         {&gate{nil, nil, true}, nil, true},
		"refuses":         {&gate{nil, closed, true}, closed, true},
		"does not decide": {&gate{nil, nil, false}, nil, false},
		"wrapped":         {wrapper{wrapper{&gate{nil, closed, true}}}, closed, true},
		"outer of two":    {wrapper{&gate{&gate{nil, closed, true}, nil, true}}, nil, true},
		"hidden":          {struct{ parley.Conn }{&gate{nil, closed, true}}, nil, false},
	} {
		if decides, err := origin.AtGate(c.conn, r); err != c.want || decides != c.decides {
			t.Errorf("%s: %v, %v", name, err, decides)
		}
	}
}
