package sharing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// An api serves an engine over HTTP.
type api struct{ engine *sharing.Engine }

func newAPI(engine *sharing.Engine) http.Handler {
	a, mux := api{engine}, http.NewServeMux()
	mux.HandleFunc("POST /images/{image}/shares", a.share)
	mux.HandleFunc("GET /images/{image}/shares", a.listShares)
	return mux
}

// account returns the account that makes the request. A real server takes it from the client's credentials,
// never from what the client says.
func account(r *http.Request) sharing.AccountID { return sharing.AccountID(r.Header.Get("Account")) }

// share uses the client's key for the request as the token, so that the client may repeat a request whose answer was
// lost. The client names accounts: that an image is shared with everyone can't be asked for here.
func (a api) share(w http.ResponseWriter, r *http.Request) {
	var accounts []sharing.AccountID
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&accounts); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var grantees []sharing.Grantee
	for _, id := range accounts {
		grantees = append(grantees, sharing.Account(id))
	}
	engine := a.engine
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		engine = engine.Once(key)
	}
	shares, err := engine.Share(r.Context(), account(r), sharing.ImageID(r.PathValue("image")), grantees...)
	answer(w, shares, "", err)
}

// listShares passes the cursor through: it is bound to the account and the query, and safe to give away.
func (a api) listShares(w http.ResponseWriter, r *http.Request) {
	limit := 0 // the default
	if text := r.FormValue("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil {
			http.Error(w, "limit is no number", http.StatusBadRequest)
			return
		}
	}
	page := sharing.Page{Cursor: r.FormValue("cursor"), Limit: limit}
	shares, next, err := a.engine.SharesPage(r.Context(), account(r), sharing.ImageID(r.PathValue("image")), page)
	answer(w, shares, next, err)
}

// An answer has its own form, so that the API does not change with the library's types.
func answer(w http.ResponseWriter, shares []sharing.Share, next string, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	type item struct{ Grantee, Status string }
	reply := struct {
		Items []item
		Next  string `json:",omitempty"`
	}{Items: []item{}, Next: next}
	for _, share := range shares {
		reply.Items = append(reply.Items, item{string(share.Grantee), share.Status.String()})
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		log.Print(err)
	}
}

// fail tells the client what is wrong, unless the error is for the operator only. A refusal and bad input tell an
// actor nothing that it may not know.
func fail(w http.ResponseWriter, err error) {
	code, text := status(err), err.Error()
	if code >= http.StatusInternalServerError {
		log.Print(err)
		text = http.StatusText(code)
	}
	http.Error(w, text, code)
}

// status returns the HTTP status of an error that the engine returned.
func status(err error) int {
	var refusal *sharing.Refusal
	if errors.As(err, &refusal) {
		switch refusal.Unwrap() {
		case sharing.ErrImageNotFound, sharing.ErrInstanceNotFound:
			return http.StatusNotFound
		case sharing.ErrNotOwner, sharing.ErrNotShared, sharing.ErrNotAccepted, sharing.ErrSealed,
			sharing.ErrUntrustedOwner, sharing.ErrPublicBlocked, sharing.ErrGranteeRefused:
			return http.StatusForbidden
		case sharing.ErrDigestMismatch:
			return http.StatusPreconditionFailed
		}
		return http.StatusConflict // a limit or the image's state: the remedy says what to change
	}
	switch {
	case errors.Is(err, sharing.ErrTokenReused):
		return http.StatusUnprocessableEntity
	case errors.Is(err, sharing.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, sharing.ErrConflict), errors.Is(err, sharing.ErrOutcomeUnknown):
		return http.StatusServiceUnavailable // repeat it, with the same key
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusGatewayTimeout // repeat it, with the same key if it was a change
	}
	return http.StatusInternalServerError // of the store or the directory
}

// An API server maps the caller to the actor, a request's key to a token, pages to pages, and errors to statuses.
func Example_httpServer() {
	engine, err := sharing.New(memstore.New(), sharing.WithIDs(func() string { return "img-1" }))
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(newAPI(engine))
	defer server.Close()

	call := func(account, method, path, body string) {
		request, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Account", account)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s by %s: %d %s\n", method, path, account, response.StatusCode, strings.TrimSpace(string(text)))
	}
	if _, err := engine.Register(context.Background(), "acme", sharing.ImageSpec{Region: "eu-1"}); err != nil {
		log.Fatal(err)
	}
	call("acme", "POST", "/images/img-1/shares", `["bob", "carol"]`)
	call("acme", "GET", "/images/img-1/shares?limit=5", "")
	call("acme", "POST", "/images/img-1/shares", `["no account"]`)
	call("bob", "POST", "/images/img-1/shares", `["dave"]`)
	call("dave", "GET", "/images/img-1/shares", "")
	// Output:
	// POST /images/img-1/shares by acme: 200 {"Items":[{"Grantee":"bob","Status":"accepted"},{"Grantee":"carol","Status":"accepted"}]}
	// GET /images/img-1/shares?limit=5 by acme: 200 {"Items":[{"Grantee":"bob","Status":"accepted"},{"Grantee":"carol","Status":"accepted"}]}
	// POST /images/img-1/shares by acme: 400 Share: invalid: grantee "no account" holds the space U+0020: none is allowed
	// POST /images/img-1/shares by bob: 403 Share img-1 by bob: not the image's owner: ask the image's owner to do it (R1)
	// GET /images/img-1/shares by dave: 404 Shares img-1 by dave: image not found: name an image that the account owns or that is shared with it (R20)
}
