"""What the faces of `load("faces")` consist of: their attributes, and the words for each value.

The pictures are drawn from these values by `python -m tools.faces`, so every attribute of every face is known exactly.
"""

ATTRIBUTES = {  # attribute -> the word for each of its values, 0, 1, ...
    "hair": ("short hair", "quiff", "mohawk", "afro", "curls", "long hair", "bob", "pigtails", "bun", "beanie"),
    "hair_color": ("black", "brown", "blond", "white", "red", "pink", "blue", "green"),
    "shirt": ("plain", "checked", "wrap"),
    "shirt_color": ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black"),
    "skin": ("light", "tan", "brown", "dark"),
    "eyes": ("open", "closed", "wink", "happy", "glasses", "sunglasses"),
    "mouth": ("smile", "laugh", "frown", "surprise", "lips", "pacifier"),
    "nose": ("medium", "small", "wrinkled"),
    "beard": ("none", "moustache", "goatee", "full beard"),
    "background": ("blue", "yellow", "green", "lilac"),
}
SUBTLE = ("nose",)  # attributes that the eye can hardly read at 64 x 64 pixels
HELD_OUT = (("red", "green"), ("green", "pink"), ("pink", "blue"), ("blue", "red"))  # (hair, shirt) colours, test only
