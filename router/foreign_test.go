package router_test

import (
	"strings"
	"testing"

	"github.com/parleygo/parley/router"
)

// Patterns as other frameworks have them are refused with the form to write.
func TestPatternsOfOtherFrameworks(t *testing.T) {
	for pattern, words := range map[string][]string{
		"/chat/:room":                   {`":room"`, `"/chat/{room}"`},
		"GET /chat/:room/log":           {`"/chat/{room}/log"`},
		"/files/*path":                  {`"/files/{path...}"`},
		"/files/*":                      {`"/files/{rest...}"`},
		"/files/**":                     {`"/files/{rest...}"`},
		"/a/*/b":                        {`"/a/{rest...}"`},
		"/chat/<int:room>/":             {`"/chat/{room}/"`, `router.Int("room")`},
		"/chat/<room>":                  {`"/chat/{room}"`},
		"/chat/<str:room>":              {`"/chat/{room}"`},
		"/chat/<string(length=2):room>": {`"/chat/{room}"`},
		"/chat/<slug:room>":             {`"/chat/{room}"`, `router.Slug("room")`},
		"/chat/<uuid:room>":             {`"/chat/{room}"`, `router.UUID("room")`},
		"/files/<path:name>":            {`"/files/{name...}"`},
		"/chat/{room:int}":              {`"/chat/{room}"`, `router.Int("room")`},
		"/files/{name:path}":            {`"/files/{name...}"`},
		"/chat/{room:[0-9]+}": {`"/chat/{room}"`,
			`router.Regexp("room", regexp.MustCompile(` + "`[0-9]+`))"},
		"^/chat/":               {"regular expression", `"/chat/"`},
		"^chat/$":               {"regular expression", `"/chat/"`},
		`^chat/(?P<room>\w+)/$`: {"regular expression", `"/chat/{room}/"`, "router.Regexp"},
		`/chat/(?P<room>\w+)`:   {"regular expression", `"/chat/{room}"`},
		"/chat/$":               {`"/chat/{$}"`},
		"get /x":                {"upper case", `"GET /x"`},
		"Post\t/x":              {"upper case", `"POST /x"`},
		"chat/":                 {"slash", `"/chat/"`},
		"chat/{room}":           {"slash", `"/chat/{room}"`},
		"GET chat/x":            {"slash", `"/chat/x"`},
		":room/x":               {"slash", `"/{room}/x"`},
		"{room}/x":              {"slash", `"/{room}/x"`},
		"<int:room>/x":          {"slash", `"/{room}/x"`},
		"https://example.org/x": {"scheme", `"example.org/x"`},
		"example.org:8080/x":    {"port", `"example.org/x"`},
		"localhost:8080/x":      {"port", `"localhost/x"`},
		"Example.org/x":         {"lower case", `"example.org/x"`},
		"/x?y=1":                {"query", `"/x"`},
		"/x#y":                  {"query", `"/x"`},
	} {
		t.Run(pattern, func(t *testing.T) {
			calls := map[string]func(){"Handle": func() { new(router.URLs).Handle(pattern, nothing) }}
			if strings.HasPrefix(pattern, "/") {
				calls["Mount"] = func() { new(router.URLs).Mount(pattern, nothing) }
			}
			for call, register := range calls {
				message := mustPanic(t, register)
				for _, word := range append(words, "router: URLs."+call+"(", "write ") {
					if !strings.Contains(message, word) {
						t.Errorf("panic %q does not say %q", message, word)
					}
				}
			}
		})
	}
}

// What looks like it and is meant has a way to be written.
func TestPatternsThatAreMeant(t *testing.T) {
	for pattern, target := range map[string]string{
		"/v1/items:batch": "/v1/items:batch", "/%3Aroom": "/:room", "/%2A": "/*", "/a$": "/a$",
		"/a*b": "/a*b", "/x%3Fy": "/x%3Fy", "example.org/x": "example.org/x",
		"localhost/x": "localhost/x", "[::1]/x": "[::1]/x", "/%3Cint:x%3E": "/%3Cint:x%3E",
		"/%24": "/$", "/@ann": "/@ann", " /x": "/x", "GET \t /y": "/y", "/{$}": "/", "/~": "/~",
	} {
		var g guestbook
		var u router.URLs
		u.Handle(pattern, g.app("app"))
		if serve(t, &u, scopeFor(target)); g.last(t).app != "app" {
			t.Errorf("%s does not match %s", pattern, target)
		}
	}
}
