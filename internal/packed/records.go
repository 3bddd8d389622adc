package packed

import (
	"encoding/json"

	"github.com/imageshare/sharing"
)

// Image passes the record of an image.
func Image(c *Codec, v *sharing.ImageRecord) {
	c.Instant(&v.DeletedAt)
	Text(c, &v.ID)
	Text(c, &v.Owner)
	Text(c, &v.Region)
	Text(c, &v.Name)
	Text(c, &v.Description)
	Text(c, &v.Family)
	Text(c, &v.Architecture)
	Text(c, &v.Digest)
	c.Number(&v.Size)
	c.Labels(&v.Labels)
	State(c, &v.State)
	if present(c, &v.Deprecation) {
		Text(c, &v.Deprecation.Notice)
		Text(c, &v.Deprecation.Replacement)
		c.Instant(&v.Deprecation.At)
	}
	c.Flag(&v.Protected)
	c.Flag(&v.Sealed)
	Text(c, &v.Source.Image)
	Text(c, &v.Source.Instance)
	c.Instant(&v.CreatedAt)
}

// Instance passes the record of an instance.
func Instance(c *Codec, v *sharing.InstanceRecord) {
	c.Instant(&v.TerminatedAt)
	Text(c, &v.ID)
	Text(c, &v.Owner)
	Text(c, &v.Region)
	Text(c, &v.Image)
	c.Number(&v.DiskGeneration)
	c.Labels(&v.Labels)
	c.Instant(&v.LaunchedAt)
}

// Trust passes a trust policy.
func Trust(c *Codec, v *sharing.Trust) {
	for i := range list(c, &v.Owners) {
		Text(c, &v.Owners[i])
	}
	c.Flag(&v.Enforce)
}

// Share passes a share.
func Share(c *Codec, v *sharing.Share) {
	Text(c, &v.Image)
	Text(c, &v.Grantee)
	State(c, &v.Status)
	c.Instant(&v.CreatedAt)
	c.Instant(&v.UpdatedAt)
	c.Instant(&v.Expires)
}

// Event passes an event without its cursor.
func Event(c *Codec, v *sharing.Event) {
	Text(c, &v.Operation)
	c.Instant(&v.At)
	Text(c, &v.Actor)
	Text(c, &v.Kind)
	Text(c, &v.Image)
	Text(c, &v.Instance)
	c.Number(&v.Sequence)
	c.Flag(&v.Untrusted)
	if present(c, &v.ImageRecord) {
		Image(c, v.ImageRecord)
	}
	if present(c, &v.InstanceRecord) {
		Instance(c, v.InstanceRecord)
	}
	for i := range list(c, &v.Shares) {
		Share(c, &v.Shares[i])
	}
	for i := range list(c, &v.Ended) {
		Text(c, &v.Ended[i])
	}
	if present(c, &v.Trust) {
		Trust(c, v.Trust)
	}
	Text(c, &v.Request)
	result := string(v.Result)
	Text(c, &result)
	if c.Reading() && result != "" {
		v.Result = json.RawMessage(result)
	}
}

// present passes whether there is a record, and makes one to be read.
func present[T any](c *Codec, v **T) bool {
	there := *v != nil
	c.Flag(&there)
	if there && c.Reading() {
		*v = new(T)
	}
	return there
}

// list passes the length of a list, and makes one to be read: none and an empty one are one.
func list[T any](c *Codec, v *[]T) int {
	n := c.Length(len(*v))
	if c.Reading() {
		*v = nil
		if n > 0 {
			*v = make([]T, n)
		}
	}
	return n
}
