package parleytest

import (
	"net/http"
	"os"
	"path/filepath"

	"github.com/parleygo/parley"
)

func extensionRows() []httpRow {
	return append(append(trailerRows, hintRows...), fileRows...)
}

var (
	withTrailers = parley.HTTPResponseStart{
		Status: 200, Header: http.Header{"Trailer": {"X-Sum"}}, Trailers: true,
	}
	sum         = parley.HTTPResponseTrailers{Header: http.Header{"X-Sum": {"42"}}}
	wantsTrails = HTTPScript{Header: http.Header{"Te": {"trailers"}}}
)

// trailerRows: trailers, which come last.
var trailerRows = []httpRow{
	{
		rule:   "A9.trailers/sent",
		script: wantsTrails,
		app: func(c *call) error {
			c.say("announced: %v", c.scope.Supports(parley.ExtensionTrailers))
			c.quietly(withTrailers, yes)
			return c.send(sum)
		},
		want: HTTPSeen{Status: 200, Body: "yes", Trailer: http.Header{"X-Sum": {"42"}}},
		said: []string{"announced: true", "http.response.trailers: ok"},
	}, {
		rule: "A9.trailers/no-te",
		app: func(c *call) error {
			c.say("announced: %v", c.scope.Supports(parley.ExtensionTrailers))
			return c.quietly(ok200, yes)
		},
		want: answer,
		said: []string{"announced: false"},
	}, {
		rule: "A9.trailers/unheard",
		app:  func(c *call) error { c.quietly(withTrailers, yes); return c.send(sum) },
		want: HTTPSeen{Status: 200, Body: "yes", Trailer: http.Header{"X-Sum": nil}},
		said: []string{"http.response.trailers: ok"},
	}, {
		rule:   "A9.trailers/early",
		script: wantsTrails,
		app: func(c *call) error {
			c.quietly(withTrailers, part)
			c.send(sum)
			return c.quietly(yes, sum)
		},
		want: HTTPSeen{Status: 200, Body: "partyes", Trailer: http.Header{"X-Sum": {"42"}}},
		said: []string{refused(sum, "A9.trailers", parley.ErrUnexpectedEvent)},
	}, {
		rule:   "A9.trailers/not-promised",
		script: wantsTrails,
		app:    func(c *call) error { c.quietly(ok200, yes); return c.send(sum) },
		want:   answer,
		said:   []string{refused(sum, "A4.after-complete", parley.ErrResponseComplete)},
	},
}

var hint = parley.HTTPResponseEarlyHint{Links: []string{"</style.css>; rel=preload"}}

// hintRows: what may come before the head.
var hintRows = []httpRow{
	{
		rule: "A9.early-hint",
		app:  func(c *call) error { c.send(hint); return c.quietly(ok200, yes) },
		want: HTTPSeen{Hints: hint.Links, Status: 200, Body: "yes"},
		said: []string{"http.response.early_hint: ok"},
	}, {
		rule: "A9.early-hint/late",
		app: func(c *call) error {
			c.quietly(ok200)
			c.send(hint)
			return c.quietly(yes)
		},
		want: answer,
		said: []string{refused(hint, "A9.early-hint", parley.ErrAlreadyStarted)},
	}, {
		rule:   "A9.early-hint/http-1.0",
		script: HTTPScript{Proto: "HTTP/1.0"},
		app:    func(c *call) error { c.conn.Send(c.ctx, hint); return c.quietly(ok200, yes) },
		want:   answer,
	}, {
		rule: "A9.early-hint/line-break",
		app: func(c *call) error {
			c.send(parley.HTTPResponseEarlyHint{Links: []string{"a\r\nX: b"}})
			return c.quietly(ok200, yes)
		},
		want: answer,
		said: []string{refused(hint, "A4.header", parley.ErrInvalidHeader)},
	}, {
		rule:  "A9.debug/unavailable",
		lacks: Features{Debug: true},
		app: func(c *call) error {
			c.send(parley.HTTPResponseDebug{})
			return c.quietly(ok200, yes)
		},
		want: answer,
		said: []string{refused(parley.HTTPResponseDebug{}, "A9.unavailable",
			parley.ErrExtensionUnavailable)},
	}, {
		rule:  "A9.debug",
		needs: Features{Debug: true},
		app: func(c *call) error {
			c.send(parley.HTTPResponseDebug{})
			c.send(parley.HTTPResponseDebug{})
			c.quietly(ok200)
			c.send(parley.HTTPResponseDebug{})
			return c.quietly(yes)
		},
		want: answer,
		said: []string{
			"http.response.debug: ok",
			refused(parley.HTTPResponseDebug{}, "A9.debug", parley.ErrUnexpectedEvent),
			refused(parley.HTTPResponseDebug{}, "A9.debug", parley.ErrUnexpectedEvent),
		},
	},
}

// withFile makes an app of one that needs a file named "file", which says
// "contents", in a directory of its own.
func withFile(serve func(c *call, root *os.Root, file *os.File) error) func(c *call) error {
	return func(c *call) error {
		dir, err := os.MkdirTemp("", "parleytest")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte("contents"), 0o600); err != nil {
			return err
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer root.Close()
		file, err := root.Open("file")
		if err != nil {
			return err
		}
		defer file.Close()
		return serve(c, root, file)
	}
}

// fileRows: files as bodies.
var fileRows = []httpRow{
	{
		rule: "A9.zerocopysend",
		app: withFile(func(c *call, _ *os.Root, file *os.File) error {
			return c.quietly(ok200, part,
				parley.HTTPResponseZeroCopySend{File: file, Offset: 1, Count: 3, More: true},
				parley.HTTPResponseZeroCopySend{File: file, Count: 2, More: true},
				parley.HTTPResponseZeroCopySend{File: file})
		}),
		want: HTTPSeen{Status: 200, Body: "part" + "ont" + "co" + "ntents"},
	}, {
		rule: "A9.pathsend",
		app: withFile(func(c *call, root *os.Root, _ *os.File) error {
			return c.quietly(ok200, parley.HTTPResponsePathSend{Root: root, Path: "file"})
		}),
		want: HTTPSeen{Status: 200, Body: "contents"},
	}, {
		rule: "A9.pathsend-mixed",
		app: withFile(func(c *call, root *os.Root, _ *os.File) error {
			c.quietly(ok200, part)
			c.send(parley.HTTPResponsePathSend{Root: root, Path: "file"})
			return c.quietly(yes)
		}),
		want: HTTPSeen{Status: 200, Body: "partyes"},
		said: []string{refused(parley.HTTPResponsePathSend{}, "A9.pathsend-mixed",
			parley.ErrUnexpectedEvent)},
	}, {
		rule: "A9.pathsend/escape",
		app: withFile(func(c *call, root *os.Root, _ *os.File) error {
			c.quietly(ok200)
			if c.conn.Send(c.ctx, parley.HTTPResponsePathSend{Root: root, Path: "../file"}) == nil {
				c.say("left the root")
			}
			return c.quietly(yes)
		}),
		want: answer,
	}, {
		rule: "A4.exact-body/file",
		app: withFile(func(c *call, root *os.Root, _ *os.File) error {
			c.quietly(head("Content-Length", "8"))
			return c.quietly(parley.HTTPResponsePathSend{Root: root, Path: "file"})
		}),
		want: HTTPSeen{Status: 200, Body: "contents", Header: http.Header{"Content-Length": {"8"}}},
	}, {
		rule: "A4.short-body/file",
		app: withFile(func(c *call, root *os.Root, _ *os.File) error {
			c.quietly(head("Content-Length", "9"))
			return c.send(parley.HTTPResponsePathSend{Root: root, Path: "file"})
		}),
		want: HTTPSeen{Status: 200, Body: "contents", Truncated: true},
		said: []string{refused(parley.HTTPResponsePathSend{}, "A4.short-body", parley.ErrShortBody)},
	}, {
		rule: "A4.long-body/file",
		app: withFile(func(c *call, root *os.Root, _ *os.File) error {
			c.quietly(head("Content-Length", "3"))
			return c.send(parley.HTTPResponsePathSend{Root: root, Path: "file"})
		}),
		want: HTTPSeen{Status: 200, Body: "con"},
		said: []string{refused(parley.HTTPResponsePathSend{}, "A4.long-body", parley.ErrLongBody)},
	}, {
		rule: "A4.long-body/piece",
		app: withFile(func(c *call, _ *os.Root, file *os.File) error {
			c.quietly(head("Content-Length", "3"))
			return c.send(parley.HTTPResponseZeroCopySend{File: file, Offset: 2})
		}),
		want: HTTPSeen{Status: 200, Body: "nte"},
		said: []string{refused(parley.HTTPResponseZeroCopySend{}, "A4.long-body", parley.ErrLongBody)},
	}, {
		rule:   "A4.head/file",
		script: HTTPScript{Method: "HEAD"},
		app: withFile(func(c *call, root *os.Root, _ *os.File) error {
			return c.quietly(ok200, parley.HTTPResponsePathSend{Root: root, Path: "file"})
		}),
		want: HTTPSeen{Status: 200},
	}, {
		rule: "A9.file-unusable",
		app: withFile(func(c *call, root *os.Root, file *os.File) error {
			c.quietly(ok200)
			for _, event := range unusable(root, file) {
				if c.conn.Send(c.ctx, event) == nil {
					c.say("sent %+v", event)
				}
			}
			return c.quietly(yes) // another body is possible still
		}),
		want: answer,
	},
}

// unusable are files of which nothing can be sent.
func unusable(root *os.Root, file *os.File) []parley.Event {
	folder, err := root.Open(".")
	if err != nil {
		return nil
	}
	folder.Close()
	return []parley.Event{
		parley.HTTPResponsePathSend{Path: "file"}, // no root
		parley.HTTPResponsePathSend{Root: root, Path: "nothing"},
		parley.HTTPResponsePathSend{Root: root, Path: "."},
		parley.HTTPResponseZeroCopySend{},
		parley.HTTPResponseZeroCopySend{File: folder}, // closed
		parley.HTTPResponseZeroCopySend{File: file, Offset: -1},
		parley.HTTPResponseZeroCopySend{File: file, Count: -1},
	}
}
