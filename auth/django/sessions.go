package django

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/internal/options"
)

// Options are what a project's settings say.
type Options struct {
	// SecretKey is SECRET_KEY, and Fallbacks are SECRET_KEY_FALLBACKS. The key must not
	// be empty.
	SecretKey string
	Fallbacks []string

	// CookieName is SESSION_COOKIE_NAME. Default "sessionid".
	CookieName string

	// CookieAge is SESSION_COOKIE_AGE: how old a session in a signed cookie gets.
	// Default two weeks.
	CookieAge time.Duration

	// Store has the sessions whose key is in the cookie. Nil means that they are in the
	// cookie themselves, signed: django.contrib.sessions.backends.signed_cookies.
	Store Store

	// Backends are AUTHENTICATION_BACKENDS: sessions of others are nobody's. Nil means
	// that all will do.
	Backends []string

	// Identify looks up a user by the id. nil, nil is nobody, as is a user who is not
	// active any more.
	Identify func(ctx context.Context, id string) (*Account, error)
}

// Account is what is known of a user.
type Account struct {
	// Password is the column of that name, as it is stored. The session ends when it
	// changes.
	Password string

	// User is what auth.User returns.
	User any
}

// Sessions is an auth.Authenticator for Django's session cookie. Wrap it with
// auth.Ambient, since browsers send a cookie by themselves. It is safe for concurrent
// use.
type Sessions struct {
	options Options
	keys    []string
}

const (
	userKey    = "_auth_user_id"
	backendKey = "_auth_user_backend"
	hashKey    = "_auth_user_hash"
	expiryKey  = "_session_expiry"

	cookieSalt = "django.contrib.sessions.backends.signed_cookies"
	storeSalt  = "django.contrib.sessions.SessionStore"
	hashSalt   = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
)

// maxCookie is the longest value of a cookie that is read; browsers stop at 4 KiB.
const maxCookie = 8 << 10

// NewSessions makes a Sessions. It panics without a key or Identify, and for an empty
// fallback.
func NewSessions(o Options) *Sessions {
	keys := append([]string{o.SecretKey}, o.Fallbacks...)
	if slices.Contains(keys, "") {
		panic("django: Options.SecretKey: is empty, or one of Fallbacks is")
	}
	if o.Identify == nil {
		panic("django: Options.Identify: is nil")
	}
	if o.CookieName == "" {
		o.CookieName = "sessionid"
	}
	o.CookieAge = options.Positive("django: Options.CookieAge", o.CookieAge, 14*24*time.Hour)
	return &Sessions{o, keys}
}

// Authenticate implements auth.Authenticator.
func (s *Sessions) Authenticate(ctx context.Context, scope *parley.Scope) (*auth.Identity, error) {
	cookie := s.cookie(scope.Request)
	if cookie == "" || len(cookie) > maxCookie {
		return nil, nil
	}
	session, err := s.load(ctx, cookie)
	if session == nil || err != nil {
		return nil, err
	}
	id, backend := session.text(userKey), session.text(backendKey)
	if id == "" || s.options.Backends != nil && !slices.Contains(s.options.Backends, backend) {
		return nil, nil
	}
	account, err := s.options.Identify(ctx, id)
	if account == nil || err != nil {
		return nil, err
	}
	if !s.sameHash(session.text(hashKey), account.Password) {
		return nil, nil
	}
	return &auth.Identity{
		ID: id, User: account.User, Expires: session.expires, Via: "session",
		Stamp: hashOf(s.keys[0], account.Password),
	}, nil
}

// cookie returns the value of the session's cookie, or "". Of several the last one counts,
// as in Django: who plants another must not be one user here and a second one there.
func (s *Sessions) cookie(r *http.Request) (value string) {
	for _, cookie := range r.CookiesNamed(s.options.CookieName) {
		value = cookie.Value
	}
	return value
}

// session is what a session holds, and when it ends.
type session struct {
	values  map[string]any
	expires time.Time
}

// text returns a value that is text. Django writes ids of users as text, whatever they are.
func (s *session) text(key string) string {
	text, _ := s.values[key].(string)
	return text
}

// load returns nil for a cookie that leads to no session.
func (s *Sessions) load(ctx context.Context, cookie string) (*session, error) {
	if s.options.Store == nil {
		return s.inCookie(cookie), nil
	}
	if !validKey(cookie) {
		return nil, nil
	}
	stored, err := s.options.Store.Load(ctx, cookie)
	if err != nil {
		return nil, fmt.Errorf("django: session: %w", err)
	}
	if stored == nil || !stored.Expires.IsZero() && !time.Now().Before(stored.Expires) {
		return nil, nil
	}
	if stored.Values != nil {
		return &session{stored.Values, stored.Expires}, nil
	}
	values, _, err := loads(s.keys, storeSalt, stored.Data)
	if err != nil {
		return nil, nil // Django takes it for an empty one as well
	}
	return &session{values, stored.Expires}, nil
}

// inCookie reads a session that is in the cookie itself.
func (s *Sessions) inCookie(cookie string) *session {
	values, signed, err := loads(s.keys, cookieSalt, cookie)
	if err != nil {
		return nil
	}
	expires := signed.Add(s.options.CookieAge)
	seconds, _ := values[expiryKey].(float64)
	if seconds > 0 && seconds < s.options.CookieAge.Seconds() {
		expires = signed.Add(time.Duration(seconds * float64(time.Second)))
	}
	if !time.Now().Before(expires) {
		return nil
	}
	return &session{values, expires}
}

// sameHash reports whether the session was opened with the password that the user has now.
func (s *Sessions) sameHash(hash, password string) bool {
	same := false
	for _, key := range s.keys {
		same = hmac.Equal([]byte(hash), []byte(hashOf(key, password))) || same
	}
	return same
}

// hashOf is get_session_auth_hash.
func hashOf(key, password string) string {
	return hex.EncodeToString(saltedHMAC(hashSalt, key, password))
}
