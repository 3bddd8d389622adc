package sharing_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
)

// States and statuses are words in JSON, and what is empty is left out.
func TestJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	img := sharing.Image{ID: "img", Owner: "acme", Region: "eu-1", State: sharing.ImageDisabled, CreatedAt: at}
	share := sharing.Share{Image: "img", Grantee: "bob", Status: sharing.SharePending, CreatedAt: at, UpdatedAt: at}
	for _, c := range []struct {
		value any
		want  string
	}{
		{img, `{"ID":"img","Owner":"acme","Region":"eu-1","State":"disabled","Protected":false,"Sealed":false,"Name":"","Description":"",` +
			`"Family":"","Architecture":"","Digest":"","Size":0,"CreatedAt":"2026-01-02T03:04:05Z"}`},
		{share, `{"Image":"img","Grantee":"bob","Status":"pending","CreatedAt":"2026-01-02T03:04:05Z","UpdatedAt":"2026-01-02T03:04:05Z"}`},
		{sharing.ShareQuery{Statuses: []sharing.ShareStatus{sharing.ShareAccepted}}, `{"Statuses":["accepted"],"Grantee":"","Owner":"","Region":""}`},
	} {
		got, err := json.Marshal(c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("got %s, %v, want %s", got, err, c.want)
		}
	}
}

// Each state and status is read as it was written, and also as the number that earlier versions wrote.
func TestJSON_Names(t *testing.T) {
	for number, state := range []sharing.ImageState{sharing.ImageAvailable, sharing.ImageDeprecated, sharing.ImageDisabled} {
		readsBack(t, state, number)
	}
	for number, status := range []sharing.ShareStatus{sharing.ShareAccepted, sharing.SharePending, sharing.ShareRejected} {
		readsBack(t, status, number)
	}
	if _, err := json.Marshal(sharing.ImageState(3)); err == nil {
		t.Error("an unknown state is written")
	}
	for _, text := range []string{`"Available"`, `""`, `"3"`, `"ImageState"`, `"accepted"`} {
		var state sharing.ImageState
		want(t, json.Unmarshal([]byte(text), &state), sharing.ErrInvalid)
	}
	var state sharing.ImageState
	want(t, state.UnmarshalText([]byte("enabled")), sharing.ErrInvalid)
	for _, text := range []string{`300`, `-1`, `1.5`, `true`, `{}`, `"`} {
		if err := json.Unmarshal([]byte(text), &state); err == nil {
			t.Errorf("%s is read as %v", text, state)
		}
	}
}

func readsBack[T interface {
	comparable
	String() string
}](t *testing.T, value T, number int) {
	t.Helper()
	text, err := json.Marshal(value)
	want(t, err, nil)
	if string(text) != `"`+value.String()+`"` || strings.Contains(value.String(), "(") {
		t.Errorf("%v is written as %s", value, text)
	}
	var fromText, fromNumber T
	want(t, json.Unmarshal(text, &fromText), nil)
	old, _ := json.Marshal(number)
	want(t, json.Unmarshal(old, &fromNumber), nil)
	if fromText != value || fromNumber != value {
		t.Errorf("%v is read as %v from its text, and as %v from its number", value, fromText, fromNumber)
	}
}
