package django_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth/django"
)

// A session that lies in a store of its own kind, read already.
func ExampleSessions() {
	const password = "pbkdf2_sha256$1$x$y"
	sessions := django.NewSessions(django.Options{
		SecretKey: "s3cret",
		Store: django.StoreFunc(func(_ context.Context, key string) (*django.Stored, error) {
			return &django.Stored{Values: map[string]any{
				"_auth_user_id":   "7",
				"_auth_user_hash": "e5b5e64c23bcbb8d3bbbd3b610cda13c3ae3e6e458d40e047164935e36c8f604",
			}}, nil
		}),
		Identify: func(_ context.Context, id string) (*django.Account, error) {
			return &django.Account{Password: password, User: "ann"}, nil // ask the database
		},
	})
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "sessionid", Value: strings.Repeat("k", 32)})
	identity, err := sessions.Authenticate(r.Context(), &parley.Scope{Request: r})
	fmt.Println(identity.ID, identity.User, err)
	// Output: 7 ann <nil>
}
