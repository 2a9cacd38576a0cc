package parley_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/parleygo/parley"
)

// look returns what the scope has under each of the names.
func look(scope *parley.Scope, names ...string) (values []string) {
	for _, name := range names {
		values = append(values, scope.PathValue(name))
	}
	return values
}

func onRequest(r *http.Request, names ...string) (values []string) {
	for _, name := range names {
		values = append(values, r.PathValue(name))
	}
	return values
}

func TestCapture(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e", "own"}
	type list = []string
	for name, test := range map[string]struct {
		names, values []list // of one router below the other
		want          list
	}{
		"nothing":  {nil, nil, list{"", "", "", "", "", "set"}},
		"no names": {[]list{{}}, []list{{}}, list{"", "", "", "", "", "set"}},
		"few":      {[]list{{"a", "b"}}, []list{{"1", "2"}}, list{"1", "2", "", "", "", "set"}},
		"an empty": {[]list{{"own"}}, []list{{""}}, list{"", "", "", "", "", ""}},
		"all": {
			[]list{{"a", "b", "c"}}, []list{{"1", "2", "3"}}, list{"1", "2", "3", "", "", "set"},
		},
		"more": {
			[]list{{"a", "b", "c", "d", "e"}}, []list{{"1", "2", "3", "4", "5"}},
			list{"1", "2", "3", "4", "5", "set"},
		},
		"nested": {
			[]list{{"a", "b"}, {"b", "own"}}, []list{{"1", "2"}, {"3", "4"}},
			list{"1", "3", "", "", "", "4"},
		},
		"more of each": {
			[]list{{"a", "b", "c", "d"}, {"e"}, {"d", "c", "b", "a"}},
			[]list{{"1", "2", "3", "4"}, {"5"}, {"6", "7", "8", "9"}},
			list{"9", "8", "7", "6", "5", "set"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			scope := &parley.Scope{Protocol: parley.HTTP, Request: httptest.NewRequest("GET", "/", nil)}
			scope.Request.SetPathValue("own", "set")
			var marks []int
			var before [][]string
			for i, names := range test.names {
				before = append(before, look(scope, all...))
				values := slices.Clone(test.values[i])
				marks = append(marks, scope.Capture(names, values))
				clear(values) // which the scope has copied
			}
			if got := look(scope, all...); !slices.Equal(got, test.want) {
				t.Errorf("the scope has %q, want %q", got, test.want)
			}
			native := scope.Clone()
			if got := onRequest(native.NativeRequest(), all...); !slices.Equal(got, test.want) {
				t.Errorf("the request has %q, want %q", got, test.want)
			}
			native.Request.SetPathValue("b", "other")
			if got := native.PathValue("b"); got != "other" {
				t.Errorf("what was set on the request reads %q", got)
			}
			for i := len(marks) - 1; i >= 0; i-- {
				scope.Release(marks[i])
				if got := look(scope, all...); !slices.Equal(got, before[i]) {
					t.Errorf("released to %q, want %q", got, before[i])
				}
			}
			if got := look(native, all...)[0]; got != test.want[0] {
				t.Errorf("the clone has %q, want %q", got, test.want[0])
			}
		})
	}
}

// Release takes away what a router below has left behind, as one does whose app panics,
// and nothing that was there before.
func TestReleaseToMark(t *testing.T) {
	scope := &parley.Scope{Request: httptest.NewRequest("GET", "/", nil)}
	outer := scope.Capture([]string{"a"}, []string{"1"})
	inner := scope.Capture([]string{"b"}, []string{"2"})
	scope.Capture([]string{"a", "b"}, []string{"3", "4"})
	scope.Release(inner)
	if got := look(scope, "a", "b"); !slices.Equal(got, []string{"1", ""}) {
		t.Errorf("%q is left", got)
	}
	scope.NativeRequest()
	scope.Capture([]string{"b"}, []string{"5"})
	scope.Release(inner) // deeper than what there is now
	scope.Release(outer)
	if got := look(scope, "a", "b"); !slices.Equal(got, []string{"1", ""}) {
		t.Errorf("%q is left, of which the request has a", got)
	}
	bare := &parley.Scope{Protocol: parley.Channel}
	bare.Capture([]string{"a"}, []string{"1"})
	if r := bare.NativeRequest(); r != nil || bare.PathValue("a") != "1" {
		t.Errorf("a request came out of nowhere: %v", r)
	}
}

// A copy has what the scope had when it was made.
func TestCaptureOfCopies(t *testing.T) {
	r := httptest.NewRequest("GET", "/a/b", nil)
	scope := &parley.Scope{Protocol: parley.HTTP, Request: r}
	mark := scope.Capture([]string{"x"}, []string{"1"})
	copies := []*parley.Scope{scope.Under("/a"), scope.WithScheme("https"), scope.Clone()}
	shallow := *scope
	copies = append(copies, &shallow)
	scope.Release(mark)
	scope.Capture([]string{"x"}, []string{"2"})
	for i, c := range copies {
		if c.PathValue("x") != "1" || r.PathValue("x") != "" {
			t.Errorf("copy %d has %q, and the request %q", i, c.PathValue("x"), r.PathValue("x"))
		}
	}
}

func TestAllocCapture(t *testing.T) {
	scope := &parley.Scope{Protocol: parley.HTTP, Request: httptest.NewRequest("GET", "/", nil)}
	names := []string{"a", "b", "c"}
	got := testing.AllocsPerRun(100, func() {
		values := [3]string{"1", "2", "3"}
		mark := scope.Capture(names, values[:])
		if scope.PathValue("c") != "3" {
			t.Error("no value")
		}
		scope.Release(mark)
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}
