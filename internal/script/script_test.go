package script_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/internal/script"
	"github.com/imageshare/sharing/memstore"
)

func open() (sharing.Store, error) { return memstore.New(), nil }

func TestPlayGivesEachAnswerAnew(t *testing.T) {
	text := `# A story.
acme registers web in eu-1 with name=web label:team=red

acme shares web with bob
    an answer of before
    in two lines
token t: bob launches vm from web in eu-1
token t: bob launches vm from web in eu-1
dry run: bob terminates vm
bob shares web with everyone
`
	want := `# A story.
acme registers web in eu-1 with name=web label:team=red
    web: owned by acme, in eu-1, available; name web; label:team=red

acme shares web with bob
    image  grantee  status    since             until
    web    bob      accepted  2024-01-01 00:00  -
token t: bob launches vm from web in eu-1
    vm: owned by bob, in eu-1, disk 1 made from web
token t: bob launches vm from web in eu-1
    vm: owned by bob, in eu-1, disk 1 made from web
dry run: bob terminates vm
    ok
bob shares web with everyone
    refused: Share web by bob: not the image's owner: ask the image's owner to do it (R1)
`
	got, err := script.Play(t.Context(), open, text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("played (-want +got):\n%s", diff)
	}
}

func TestNonsenseIsAnErrorAndNoAnswer(t *testing.T) {
	for line, says := range map[string]string{
		"acme paints web": "no command",
		"acme registers web in eu-1 with colour=red":    "colour",
		"acme registers web in eu-1 with name=a name=b": "twice",
		"acme registers web in eu-1 with size=big":      "big",
		"acme updates web with size=1":                  "size",
		"acme lists images blue":                        "blue",
		"acme lists shares given blue":                  "blue",
		"acme shares web with bob until tomorrow":       "tomorrow",
		"the platform allows many grantees an image":    "many",
		"5 moons pass":                                         "moons",
		"dry run acme deletes web":                             "no command",
		"token t: dry run: the weather changes":                "no command",
		"acme deletes web and force-deletes it if that failed": "no command",
	} {
		text := "# The second line makes no sense.\n" + line + "\n"
		got, err := script.Play(t.Context(), open, text)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: %v, want an error of line 2 that says %q\n%s", line, err, says, got)
		}
	}
}
