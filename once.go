package sharing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
)

// A token is what [Engine.Once] adds to a change: the operation ID that the actor and the token determine, and a digest
// of the request. Its zero value adds nothing.
type token struct {
	operation string
	request   string
}

// tokenFor returns the token of a change with this request.
func (c *call) tokenFor(request any) (token, error) {
	if err := validName("token", c.onceToken, false); err != nil {
		return token{}, err
	}
	text, err := json.Marshal(request)
	if err != nil {
		return token{}, err
	}
	return token{
		operation: "once:" + digestOf(string(c.actor), c.onceToken),
		request:   digestOf(c.op, string(text)),
	}, nil
}

// digestOf returns a digest of parts that keeps them apart.
func digestOf(parts ...string) string {
	var text []byte
	for _, part := range parts {
		text = strconv.AppendInt(text, int64(len(part)), 10)
		text = append(append(text, ':'), part...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// sign records in the first event of a call what is needed to repeat the call's result under the token.
func (t token) sign(first *Event, result any) (err error) {
	first.Request = t.request
	first.Result, err = json.Marshal(result)
	return err
}

// repeated returns what the first call under the token returned.
func repeated[T any](t token, first Event) (T, error) {
	var result T
	if first.Request != t.request {
		return result, ErrTokenReused
	}
	if err := json.Unmarshal(first.Result, &result); err != nil {
		return result, fmt.Errorf("the stored answer to the token's first call can't be read: %w", err)
	}
	return result, nil
}
