"""The commonest words of other languages in Latin script, but those that English has too.

A vocabulary taken from English comments holds many of them, since people quote
them; yet a model of English understands no sentence that is made of them.
"""

from __future__ import annotations

_BY_LANGUAGE = (
    # German
    "ich du dich mich dir wir ihr ihn euch ist bist sind sein nicht und oder aber auch ein "
    "eine einen einem einer das dein deine meine kein keine zu zum zur auf für wie wenn wird "
    "werden haben habe hast alle nach bei über um sie",
    # French
    "je tu il elle nous vous ils est suis sont ne pas les une du ou mais que qui ce cette dans "
    "avec pour te moi toi tes mes ses vais être fait faire très aux",
    # Spanish
    "tú usted el los las qué del con por para una uno eres soy eso esta este mi su sus muy más "
    "nadie como cómo voy vete ser está están lo al",
    # Italian
    "io lui lei noi voi sei sono gli che di della nel più ti si ci tuo tua mio mia questo "
    "questa nessuno stai vai anche",
    # Portuguese
    "eu você ele ela nós não é um uma dos em seu sua teu meu minha muito mais vou cala ao",
    # Dutch
    "ik jij je jullie het een niet zijn bent voor aan wat wie naar ook maar hou dit deze jouw "
    "mijn uit nog",
    # Swedish, Danish, Norwegian
    "jag är och att det som inte din ditt mig dig jeg du er og ikke deg meg på av en ett ska "
    "skal vil",
    # Polish, Czech
    "się nie jest jesteś na w z że ja cię mnie jak twoja twój jsi jsem již že tě mě nikt jego",
    # Turkish
    "ve bir bu seni beni sana bana değil çok için senin benim git gibi",
    # Indonesian, Malay
    "kamu aku saya yang akan tidak ini itu ke kau anda untuk dengan sekali dasar pergi",
    # Romanian
    "ești sunt este și nu îl pe cu din în să mă",
    # Hungarian, Finnish
    "vagy nem és hogy az egy minä sinä olet että olen",
    # Vietnamese, Tagalog
    "mày tao là không và của sẽ tôi ang mga ng ako ikaw hindi",
    # Russian and Hindi as people spell them in Latin letters
    "ty tebya tum tumhe hai hain nahi aur mein tera teri tere bahut",
)

FOREIGN = frozenset(word for words in _BY_LANGUAGE for word in words.split())
"""In lower case, with their accents."""
