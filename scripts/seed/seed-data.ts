/**
 * The demo community: people who share old photographs. The pictures are in the public domain (the Getty's Open Content
 * Program, packaged by stdlib); every caption names the photographer.
 */
export const DEMO = { handle: "ada", password: "shutterline-demo" } as const;

export type Photograph =
  | "acanthus-mollis"
  | "airplane-from-above"
  | "allium-oreophilum"
  | "black-canyon"
  | "dust-bowl-home"
  | "french-alpine-landscape"
  | "locomotion-house-cat"
  | "march-pastoral"
  | "nagasaki-boats";

export const ALT: Record<Photograph, string> = {
  "acanthus-mollis":
    "An acanthus stem against a pale ground: three closed buds one above the other, veined like leaded glass, between spiny bracts that reach out to both sides.",
  "airplane-from-above":
    "A single-engined aeroplane seen from straight above, a roundel on each wing, over small clouds and a dark patchwork of fields.",
  "allium-oreophilum":
    "An ornamental onion, greatly enlarged: pointed half-open flowers rise out of a papery sheath that has split to a V.",
  "black-canyon":
    "A small boat with a bare mast on the bank of a wide, still river. A man sits bent over in it, and dark canyon walls close in behind.",
  "dust-bowl-home":
    "An empty plank cabin without door or window panes on bare, sandy ground, under a wide sky of small clouds.",
  "french-alpine-landscape":
    "Dark firs in the foreground, and across the valley behind them a long range of snow-covered mountains.",
  "locomotion-house-cat":
    "Twenty-four small frames in four rows: a tabby cat, seen from the side before a measuring grid, walks and then breaks into a run.",
  "march-pastoral":
    "A ewe stands on a rough track while her lamb drinks. More sheep and lambs graze along the bank behind them, going out of focus.",
  "nagasaki-boats":
    "Two covered river boats with their boatmen in front, a large one-masted boat moored behind them, and tiled and thatched houses climbing the bank.",
};

export type SeedPerson = {
  handle: string;
  name: string;
  bio: string;
  picture?: Photograph;
  follows: string[];
  followsLater: string[];
};

/** `follows` happen before anything is published, so feeds fill by fan-out; `followsLater` fill them by backfill. */
export const PEOPLE: SeedPerson[] = [
  {
    handle: DEMO.handle,
    name: "Ada Winther",
    bio: "I look after a small collection of old photographs and show what I find in the boxes. Copenhagen.",
    picture: "allium-oreophilum",
    follows: ["ruth", "lena", "kofi", "mei", "tomas"],
    followsLater: ["ben", "theo", "noor", "ines", "sami"],
  },
  {
    handle: "ben",
    name: "Ben Okafor",
    bio: "Rivers, rain and long walks. The tripod lives in the car.",
    follows: ["ada", "lena", "tomas", "ines"],
    followsLater: ["mei"],
  },
  {
    handle: "mei",
    name: "Mei Tanaka",
    bio: "Harbours, then and now. I stand where they stood and try again.",
    follows: ["ada", "ruth", "tomas"],
    followsLater: ["ben", "josie"],
  },
  {
    handle: "theo",
    name: "Theo Marchetti",
    bio: "Things that fly, and the people who photographed them from other things that fly.",
    picture: "airplane-from-above",
    follows: ["ada", "kofi"],
    followsLater: ["ruth"],
  },
  {
    handle: "noor",
    name: "Noor Haddad",
    bio: "Botanist. Ask me what that plant is.",
    follows: ["ada", "sami", "ines"],
    followsLater: ["lena"],
  },
  {
    handle: "lena",
    name: "Lena Brandt",
    bio: "Mountain guide in summer, contact prints in winter.",
    picture: "french-alpine-landscape",
    follows: ["ada", "ben", "tomas"],
    followsLater: ["sami"],
  },
  {
    handle: "kofi",
    name: "Kofi Mensah",
    bio: "Animator. I count frames for a living.",
    follows: ["ada", "theo", "josie"],
    followsLater: ["ruth"],
  },
  {
    handle: "ines",
    name: "Inês Carvalho",
    bio: "Forty sheep, two dogs, one camera.",
    picture: "march-pastoral",
    follows: ["ada", "noor"],
    followsLater: ["lena", "ben"],
  },
  {
    handle: "sami",
    name: "Sami Lehtonen",
    bio: "Carbon, gum and platinum printing. My hands are always brown.",
    follows: ["ada", "lena", "noor"],
    followsLater: ["tomas"],
  },
  {
    handle: "ruth",
    name: "Ruth Adler",
    bio: "I teach history to sixteen-year-olds, one photograph at a time.",
    follows: ["ada", "tomas", "mei"],
    followsLater: ["theo", "kofi"],
  },
  {
    handle: "tomas",
    name: "Tomás Rivera",
    bio: "8×10, slowly. Arizona.",
    follows: ["ada", "ben", "sami"],
    followsLater: ["ruth"],
  },
  {
    handle: "josie",
    name: "Josie Pritchard",
    bio: "New here. Learning what a shutter is.",
    follows: ["kofi"],
    followsLater: ["ada", "tomas", "noor"],
  },
];

export type SeedPost = {
  author: string;
  caption: string;
  photographs: Photograph[];
  likes: string[];
  comments: SeedComment[];
};

/**
 * `answers` is the index of the comment that this one replies to. A `pinned` comment is pinned by the post's author.
 */
export type SeedComment = [
  author: string,
  text: string,
  more?: { answers?: number; likes?: string[]; pinned?: boolean },
];

/** In order of publication. Captions are unique: an interrupted seed recognizes the posts it has published by them. */
export const POSTS: SeedPost[] = [
  {
    author: "ruth",
    caption:
      "Dorothea Lange, abandoned Dust Bowl home, some time between 1935 and 1940. I give it to my class with no title and ask who lived here. They always start with the missing door.",
    photographs: ["dust-bowl-home"],
    likes: ["ada", "ben", "tomas", "mei", "josie"],
    comments: [
      ["tomas", "The horizon is the saddest line in it. Not one tree."],
      ["josie", "You can see right through the house to the field. Took me a minute."],
      ["ruth", "That is exactly what half of them say, Josie.", { answers: 1, likes: ["josie"] }],
    ],
  },
  {
    author: "lena",
    caption:
      "Adolphe Braun, carbon print, 1865–1870. He had all of that carried up: the camera, the plates and the dark tent. I complain about two lenses.",
    photographs: ["french-alpine-landscape"],
    likes: ["ada", "ben", "sami", "noor", "ines", "tomas"],
    comments: [
      ["sami", "Carbon does not fade. These blacks look the way they did on the day he made them."],
      ["ben", "Do you recognise the range?"],
      [
        "lena",
        "I have a guess, but I would want to stand there before I say it aloud.",
        { answers: 1, likes: ["ben"] },
      ],
    ],
  },
  {
    author: "kofi",
    caption:
      "Eadweard Muybridge, from Animal Locomotion, 1887. Twenty-four frames, a walk that turns into a run. Still the best reference for a cat that I own.",
    photographs: ["locomotion-house-cat"],
    likes: ["ada", "theo", "josie", "ruth", "mei", "lena", "ines"],
    comments: [
      ["theo", "Third row: all four feet under it at once. Nobody would dare draw that."],
      ["josie", "The tail goes up BEFORE it starts running!"],
      [
        "kofi",
        "Anticipation. You have just learned the first rule of my trade.",
        { answers: 1, likes: ["josie", "mei"] },
      ],
    ],
  },
  {
    author: "ada",
    caption:
      "Two Karl Blossfeldts from 1928, side by side: bear's breeches and an ornamental onion. He built his cameras himself and enlarged plants until they turned into architecture. Which one would you hang?",
    photographs: ["acanthus-mollis", "allium-oreophilum"],
    likes: ["noor", "sami", "lena", "ruth", "tomas", "mei", "ben", "ines", "kofi"],
    comments: [
      [
        "noor",
        "The onion. Those flowers are not half open, he has caught them on the right morning.",
        { likes: ["ada", "sami", "ines", "josie"] },
      ],
      [
        "sami",
        "The acanthus, for the grey of the background alone. Flat light and a great deal of patience.",
        { likes: ["lena", "tomas"] },
      ],
      ["ruth", "I thought the first one was wrought iron until I read the caption."],
      ["ada", "How can you tell the morning?", { answers: 0 }],
      ["noor", "The anthers are still closed. By noon they would be dusty.", { answers: 3, likes: ["ada", "josie"] }],
      ["josie", "I will never look at an onion the same way again.", { answers: 4, likes: ["noor"] }],
      ["ada", "Wrought iron is what he taught from, so you are in good company.", { answers: 2, likes: ["ruth"] }],
      [
        "ada",
        "Both are on the wall now, in the corridor by the reading room. Come and see which one stops you.",
        { likes: ["mei", "ruth", "kofi"], pinned: true },
      ],
    ],
  },
  {
    author: "ines",
    caption:
      "Peter Henry Emerson, A March Pastoral, Suffolk, 1888. Lambing weather has not changed, and neither have the faces.",
    photographs: ["march-pastoral"],
    likes: ["ada", "noor", "ben", "lena"],
    comments: [
      ["noor", "The one at the back is looking straight at him."],
      ["ines", "There is always one.", { answers: 0, likes: ["noor", "ada"] }],
      ["ada", "Emerson wanted one plane sharp and everything else to fall away, as the eye sees. It works on sheep."],
    ],
  },
  {
    author: "mei",
    caption:
      "Felice Beato, boats on the river at Nagasaki, about 1865. Two boatmen kept still for him, one of them with his face wrapped against the cold.",
    photographs: ["nagasaki-boats"],
    likes: ["ada", "ruth", "tomas", "ben", "theo"],
    comments: [
      ["ada", "The water is as smooth as paper: a long exposure, and they held on through all of it."],
      ["ben", "Have you found the spot?"],
      ["mei", "Two bridges and a car park. The hills are right, though.", { answers: 1, likes: ["ben", "ada"] }],
    ],
  },
  {
    author: "tomas",
    caption:
      "Timothy O'Sullivan, Black Cañon, Colorado River, from Camp 8, looking above, 1871. The survey went upstream. Look at the box on the boat: wet plates had to be coated and developed within minutes.",
    photographs: ["black-canyon"],
    likes: ["ada", "lena", "ben", "sami", "ruth", "mei", "josie", "kofi"],
    comments: [
      ["sami", "Collodion in that heat. I struggle in a cellar in Tampere."],
      ["ada", "The small 8 scratched at the bottom right is the camp, isn't it?"],
      ["tomas", "That is how I have always read it.", { answers: 1 }],
      ["lena", "The bright patch on the water holds the whole picture together."],
    ],
  },
  {
    author: "theo",
    caption:
      "Fedele Azari, 1929: an aeroplane from straight above, the fields tilting away below. He was a pilot himself, so he knew what he was asking of the other one.",
    photographs: ["airplane-from-above"],
    likes: ["ada", "kofi", "ruth", "josie"],
    comments: [
      ["kofi", "The propeller at rest is the strangest part. What shutter was that?"],
      ["theo", "A quick one, and I think some retouching helped.", { answers: 0, likes: ["kofi"] }],
    ],
  },
  {
    author: "ben",
    caption:
      "A river and a range. O'Sullivan in 1871, Braun a few years before him, an ocean apart, and both put the dark thing in front and let the light lie far away.",
    photographs: ["black-canyon", "french-alpine-landscape"],
    likes: ["lena", "tomas", "ada"],
    comments: [
      [
        "tomas",
        "Plates of that time were blind to everything but blue, so their skies came out empty. Dark foregrounds were a way to live with it.",
      ],
      ["ben", "That explains more than I knew there was to explain.", { answers: 0 }],
    ],
  },
  {
    author: "noor",
    caption:
      "Allium oreophilum, by Karl Blossfeldt, 1928. The museum's title has the older name, A. ostrowskianum. It is the same plant, about ten centimetres tall, and pink when nobody prints it in grey.",
    photographs: ["allium-oreophilum"],
    likes: ["ada", "sami", "ines", "josie"],
    comments: [
      ["josie", "Ten centimetres?! I imagined it as high as a table."],
      ["noor", "So did everybody who bought the book.", { answers: 0, likes: ["josie", "sami"] }],
    ],
  },
  {
    author: "ada",
    caption:
      "Back in the Nagasaki box for Mei. Follow the stay down from the mast: there is a second, smaller boat drawn up in its shadow that I had never noticed.",
    photographs: ["nagasaki-boats"],
    likes: ["mei", "ruth", "ben", "theo", "tomas"],
    comments: [
      ["mei", "Thank you! And fishing nets hung out on the poles to the left."],
      ["theo", "How large is the print itself?"],
      ["ada", "Small enough to hold in two hands. You want a loupe.", { answers: 1, likes: ["theo"] }],
    ],
  },
  {
    author: "sami",
    caption:
      "When people ask what I mean by a good grey: this background. Blossfeldt, 1928. Nothing in it is white, and nothing needs to be.",
    photographs: ["acanthus-mollis"],
    likes: ["ada", "noor", "lena", "tomas"],
    comments: [
      ["lena", "I will stop bleaching my highlights. For a week."],
      ["noor", "The black tips are real, by the way. He did not burn them in."],
    ],
  },
  {
    author: "josie",
    caption:
      "First week! I drew all twenty-four of Muybridge's cats by hand. Number 15 nearly broke me. Here is the original so that you don't have to see mine.",
    photographs: ["locomotion-house-cat"],
    likes: ["kofi", "mei", "tomas"],
    comments: [
      ["kofi", "Show us yours. Nobody here is grading."],
      ["mei", "Seconded.", { answers: 0, likes: ["kofi"] }],
    ],
  },
  {
    author: "ruth",
    caption:
      "For tomorrow's lesson: Azari from above in 1929, Lange at eye level within ten years of it. Same question for both: where is the photographer standing, and why there?",
    photographs: ["airplane-from-above", "dust-bowl-home"],
    likes: ["ada", "theo", "kofi", "mei"],
    comments: [
      ["theo", "In the first one: not standing."],
      ["ada", "May I borrow this for the museum's open day?"],
      ["ruth", "Please do. Tell me what they answer.", { answers: 1, likes: ["ada"] }],
    ],
  },
  {
    author: "ada",
    caption:
      "A March Pastoral again, after what Inês wrote. Photogravure is ink on paper: no silver in it, nothing that could fade. It may outlast everything else in the drawer.",
    photographs: ["march-pastoral"],
    likes: ["ines", "sami", "lena"],
    comments: [
      ["ines", "The lamb in front has not moved since 1888. Mine would not give you two seconds."],
      ["sami", "Ink holds. I would put this one next to the Braun."],
    ],
  },
];
