package router_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/router"
)

// FuzzMatch compares the router with http.ServeMux: the same patterns must be
// taken or refused, and for every path the same one chosen with the same
// values, or the same answer given. Without redirects a path that ServeMux
// redirects may go to a less specific pattern, but not to another answer.
func FuzzMatch(f *testing.F) {
	f.Add("/\n/a\n/a/\n/a/{$}\n/a/{x}\nGET /a/b\n/c/{rest...}", "GET", "h", "/a/b")
	f.Add("/{x}/b\n/a/{y}\n/{x}/{y}", "POST", "h", "/a%2Fb/c")
	f.Add("POST /a\nh.x/a\nh.x/\n/a/b/", "GET", "h.x:80", "/a")
	f.Add("/a/b/\n/a/{x...}", "HEAD", "", "/a/b")
	f.Add("GET /tree/\n/tree/{$}", "POST", "", "//tree/../tree")
	f.Add("CONNECT /a/b\n/%61\n/a%2Fb", "CONNECT", "h", "/a/b")
	f.Add("/{a}/{b}\n/{a...}\n/", "CONNECT", "h", "//b")
	f.Add("/a\n/b\n/c\n/d\n/e\n/f\n/g/{x}\n/h\n/i\n/j/{y}/k\n/{z}/k\n/l/", "GET", "", "/j/1/k")
	f.Add("/a/:b\n/*\n/<int:c>\n/{d:e}\n^/f$\nget /g\nh/\ni://j\n/k?l\nm:8/", "GET", "h", "/a")
	f.Fuzz(func(t *testing.T, patterns, method, host, target string) {
		if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || method == "" ||
			differs(patterns, method, target) {
			t.Skip()
		}
		newTwins(strings.Split(patterns, "\n")).agree(t, method, host, target)
	})
}

// differs reports whether the router has reason to see it otherwise than ServeMux,
// to which a segment "%2F" is the same as {$}, and a wildcard matches the empty
// segments of a CONNECT without a value for it.
func differs(patterns, method, target string) bool {
	encoded := func(text string) bool {
		for part := range strings.FieldsFuncSeq(text, func(r rune) bool {
			return r == '/' || r == '\n'
		}) {
			if unescaped, err := url.PathUnescape(part); err == nil && unescaped == "/" {
				return true
			}
		}
		return false
	}
	unclean := method == "CONNECT" && path.Clean(target) != strings.TrimSuffix(target, "/") &&
		target != "/"
	return encoded(patterns) || encoded(target) || unclean
}

// TestMatch does the same for sites made up of a few segments, where patterns
// meet more often.
func TestMatch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for range 200 {
		var patterns []string
		for range 1 + random.IntN(10) {
			pattern := pick("", "", "", "GET ", "HEAD ", "POST ", "CONNECT ") +
				pick("", "", "", "", "h.x", "g.x")
			for range random.IntN(4) {
				pattern += pick("/a", "/b", "/{x}", "/{v}", "/{w}", "/a%2Fb", "/%62")
			}
			patterns = append(patterns, pattern+pick("/", "/a", "/b", "/{y}", "/{$}", "/{z...}"))
		}
		s := newTwins(patterns)
		for range 30 {
			method := pick("GET", "HEAD", "POST", "PUT", "CONNECT")
			var target string
			for range 1 + random.IntN(5) {
				target += pick("/a", "/b", "/c", "/a%2Fb", "/%61", "/", "/..", "/.")
			}
			if !strings.HasPrefix(target, "//") && !differs("", method, target) {
				s.agree(t, method, pick("h.x", "g.x", "h.x:80", "other", ""), target)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// twins are a ServeMux and two routers, one of which redirects and leaves its values in
// the scope, with the same patterns.
type twins struct {
	patterns           []string
	mux                *http.ServeMux
	plain, redirecting *router.URLs
	chosen             *http.Request // as the app of a router saw it
}

// newTwins registers the patterns that ServeMux accepts.
func newTwins(patterns []string) *twins {
	s := &twins{
		patterns: patterns, mux: http.NewServeMux(),
		plain: new(router.URLs), redirecting: &router.URLs{Redirects: true, ScopeValues: true},
	}
	app := parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
		s.chosen = scope.NativeRequest()
		return nil
	})
	for _, pattern := range patterns {
		switch refusal := panics(func() { s.plain.Handle(pattern, app) }); {
		case refusal == "":
			s.redirecting.Handle(pattern, app)
			s.mux.HandleFunc(pattern, silence) // panics if only the router takes it
		case !strings.HasPrefix(refusal, "router: "):
			panic("the router crashed: " + refusal)
		case strings.Contains(refusal, "never matches"), strings.Contains(refusal, ": write "):
		case panics(func() { s.mux.HandleFunc(pattern, silence) }) == "":
			panic("only ServeMux takes " + pattern)
		}
	}
	return s
}

// agree checks that the routers and the ServeMux answer one request alike.
func (s *twins) agree(t *testing.T, method, host, target string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%s %s of %q with %q", method, target, host, s.patterns)
		}
	}()
	location, err := url.ParseRequestURI(target)
	if err != nil {
		t.Skip()
	}
	request := func() *http.Request {
		u := *location
		return &http.Request{Method: method, Host: host, URL: &u, Header: http.Header{}}
	}
	want, wantAnswer := request(), httptest.NewRecorder()
	s.mux.ServeHTTP(wantAnswer, want)
	compare(t, wantAnswer, want, s.ask(t, s.redirecting, request()), s.chosen, false)

	answer := s.ask(t, s.plain, request())
	switch redirected := wantAnswer.Code/100 == 3; {
	case redirected && answer.status()/100 == 3:
		t.Fatalf("redirected to %v", answer.sent)
	case !redirected:
		compare(t, wantAnswer, want, answer, s.chosen, true)
	}
}

// ask has one of the routers serve r.
func (s *twins) ask(t *testing.T, u *router.URLs, r *http.Request) *tape {
	t.Helper()
	answer := new(tape)
	s.chosen = nil
	if err := u.Serve(t.Context(), &parley.Scope{Protocol: parley.HTTP, Request: r},
		answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// panics returns what f panics with, or "".
func panics(f func()) (message string) {
	defer func() {
		if value := recover(); value != nil {
			message = fmt.Sprint(value)
		}
	}()
	f()
	return ""
}

// compare checks an answer, or the request of the app that was chosen, against
// ServeMux. An answer may be narrower: without the methods that ServeMux would
// redirect.
func compare(
	t *testing.T, want *httptest.ResponseRecorder, r *http.Request,
	got *tape, chosen *http.Request, narrower bool,
) {
	t.Helper()
	status, header, body := got.answer()
	if chosen == nil {
		if narrower && want.Code == 405 && (status == 405 || status == 404) {
			return
		}
		if r.Method == "CONNECT" && status == 405 && (want.Code == 404 || want.Code == 405) {
			return // ServeMux looks for methods under the host of the URL, which has none
		}
		moved := status/100 == 3 // with the Location in the body
		if status != want.Code || !moved && body != want.Body.String() {
			t.Fatalf("answered %d %q, want %d %q", status, body, want.Code, want.Body)
		}
		if moved {
			sameLocation(t, r.URL, header.Get("Location"), want.Header().Get("Location"))
		}
		if header.Get("Allow") != want.Header().Get("Allow") {
			t.Fatalf("allowed %q, want %q", header.Get("Allow"), want.Header().Get("Allow"))
		}
		return
	}
	if want.Code != 200 || chosen.Pattern != r.Pattern {
		t.Fatalf("chose %q, want %d %q", chosen.Pattern, want.Code, r.Pattern)
	}
	for _, part := range strings.Split(r.Pattern, "{") {
		name, _, _ := strings.Cut(strings.TrimSuffix(part, "..."), "}")
		if name = strings.TrimSuffix(name, "..."); chosen.PathValue(name) != r.PathValue(name) {
			t.Fatalf("value %s is %q, want %q", name, chosen.PathValue(name), r.PathValue(name))
		}
	}
}

// sameLocation holds that a redirect leads where ServeMux wants to lead. ServeMux
// escapes the clean form of an escaped path once more, and takes what is escaped in a
// path that lacks the slash at its end for its plain self.
func sameLocation(t *testing.T, from *url.URL, got, want string) {
	t.Helper()
	if leadsAway(got) {
		t.Fatalf("redirected out of here: %q", got)
	}
	if got == want {
		return
	}
	ours, err1 := url.Parse(got)
	theirs, err2 := url.Parse(want)
	lacksSlash := err2 == nil && theirs.Path == path.Clean(from.Path)+"/" &&
		ours.EscapedPath() == path.Clean(from.EscapedPath())+"/"
	if err1 != nil || err2 != nil || ours.RawQuery != theirs.RawQuery ||
		!lacksSlash && theirs.Path != ours.EscapedPath() {
		t.Fatalf("redirected to %q, want %q", got, want)
	}
}

// FuzzConstraints holds that what a constraint lets through is what it says.
func FuzzConstraints(f *testing.F) {
	for _, seed := range []string{"007", "9223372036854775808", "a-b_C",
		"0123abcd-4567-89ef-0123-456789abcdef", "", "ü", "+1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, constraint := range []router.Constraint{router.Int("v"), router.Slug("v"),
			router.UUID("v"), router.Path("v")} {
			var u router.URLs
			u.Handle("/{v...}",
				parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
					if scope.PathValue("v") == "" {
						t.Error("an empty value fits")
					}
					return nil
				}), constraint)
			scope := scopeFor("/")
			scope.Request.URL.Path = "/" + value
			if err := u.Serve(t.Context(), scope, new(tape)); err != nil {
				t.Fatal(err)
			}
		}
		var u router.URLs
		u.Handle("/{v...}",
			parley.AppFunc(func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
				if n, err := router.Param[int](scope, "v"); err != nil || n < 0 {
					t.Errorf("%q became %d, %v", scope.PathValue("v"), n, err)
				}
				return nil
			}), router.Int("v"))
		scope := scopeFor("/")
		scope.Request.URL.Path = "/" + value
		if err := u.Serve(t.Context(), scope, new(tape)); err != nil {
			t.Fatal(err)
		}
	})
}
