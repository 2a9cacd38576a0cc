package server

import (
	"fmt"
	"net/http"
	"sync/atomic"
)

// readiness is whether the process wants traffic.
type readiness struct{ wanted atomic.Bool }

func (r *readiness) set(wanted bool) { r.wanted.Store(wanted) }

// checkPaths panics for paths at which nobody would ever be answered.
func (o *Options) checkPaths() {
	for _, path := range []struct{ field, value string }{
		{"HealthPath", o.HealthPath}, {"ReadyPath", o.ReadyPath},
	} {
		if path.value != "" && path.value[0] != '/' {
			panic(fmt.Sprintf("server: Options.%s: %q does not begin with a slash", path.field, path.value))
		}
	}
	if o.HealthPath != "" && o.HealthPath == o.ReadyPath {
		panic(fmt.Sprintf("server: Options.ReadyPath: %q is HealthPath, too", o.ReadyPath))
	}
}

// Health answers 200 for as long as the process lives.
func (s *Server) Health() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "ok\n")
	})
}

// Ready answers 200 while the process wants traffic: from the end of start-up to
// the beginning of a drain. Otherwise it answers 503.
func (s *Server) Ready() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.ready.wanted.Load() {
			say(w, http.StatusOK, "ready\n")
			return
		}
		say(w, http.StatusServiceUnavailable, "not ready\n")
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write([]byte(text))
}

// withHealth answers some paths without the app.
func (s *Server) withHealth(next http.Handler) http.Handler {
	health, ready := s.options.HealthPath, s.options.ReadyPath
	if health == "" && ready == "" {
		return next
	}
	healthy, readied := s.Health(), s.Ready()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "":
			next.ServeHTTP(w, r)
		case health:
			healthy.ServeHTTP(w, r)
		case ready:
			readied.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
